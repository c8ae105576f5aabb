//! rand_distr's Beta, made anew for every element, as its parameters are.

use std::io::{stdin, BufRead, Write};
use std::time::{Duration, Instant};

use rand::{rngs::SmallRng, SeedableRng};
use rand_distr::{Beta, Distribution};

macro_rules! run {
    ($real:ty, $path:expr, $n:expr, $milliseconds:expr, $generator:expr) => {{
        const SIZE: usize = std::mem::size_of::<$real>();
        let bytes = std::fs::read($path).expect($path);
        let shapes: Vec<$real> = bytes
            .chunks_exact(SIZE)
            .map(|b| <$real>::from_le_bytes(b.try_into().unwrap()))
            .collect();
        let (alpha, beta) = shapes.split_at($n);
        let mut out = vec![0 as $real; $n];
        let (passes, nanoseconds) = timed($n, $milliseconds, || {
            for i in 0..$n {
                out[i] = Beta::new(alpha[i], beta[i]).unwrap().sample($generator);
            }
        });
        let (mut sum, mut squares) = (0.0, 0.0);
        for x in out.iter().map(|&x| x as f64) {
            sum += x;
            squares += x * x;
        }
        let n = $n as f64;
        println!(
            "{} {} {:?} {:?}",
            passes * $n,
            nanoseconds,
            sum / n,
            squares / n
        );
    }};
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

const PROCESS_CPU_TIME: i32 = 2;

extern "C" {
    fn clock_gettime(clock: i32, now: *mut Timespec) -> i32;
}

fn cpu_nanoseconds() -> i64 {
    let mut now = Timespec {
        seconds: 0,
        nanoseconds: 0,
    };
    unsafe { clock_gettime(PROCESS_CPU_TIME, &mut now) };
    now.seconds * 1_000_000_000 + now.nanoseconds
}

/// Passes until the time is up; the clock on the wall is read every 4096 draws.
fn timed(n: usize, milliseconds: f64, mut pass: impl FnMut()) -> (usize, i64) {
    let batch = (4096 / n).max(1);
    let stop = Instant::now() + Duration::from_secs_f64(milliseconds / 1e3);
    let before = cpu_nanoseconds();
    let mut passes = 0;
    while passes == 0 || Instant::now() < stop {
        for _ in 0..batch {
            pass();
        }
        passes += batch;
    }
    (passes, cpu_nanoseconds() - before)
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the shapes");
    let mut generator = SmallRng::seed_from_u64(1);
    println!("rand_distr 0.5.1, SmallRng");
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let n: usize = words[2].parse().unwrap();
        let milliseconds: f64 = words[4].parse().unwrap();
        let path = format!("{}/{}-{}-{}.bin", folder, words[1], n, words[3]);
        match words[3] {
            "float32" => run!(f32, &path, n, milliseconds, &mut generator),
            _ => run!(f64, &path, n, milliseconds, &mut generator),
        }
        std::io::stdout().flush().unwrap();
    }
}
