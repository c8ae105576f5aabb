//! Draws from Beta distributions, as the share of one Gamma draw in two.

use rand::Rng;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// A Beta distribution.
#[derive(Clone, Copy)]
pub struct Posterior {
    alpha: Gamma,
    beta: Gamma,
}

impl Posterior {
    pub fn new(alpha: f64, beta: f64) -> Posterior {
        Posterior { alpha: Gamma::new(alpha), beta: Gamma::new(beta) }
    }

    pub fn draw(&self, rng: &mut impl Rng) -> f32 {
        let (x, y) = (self.alpha.draw(rng), self.beta.draw(rng));
        if x + y > 0.0 { (x / (x + y)) as f32 } else { self.coin(rng) }
    }

    /// What the distribution of shapes near 0 is, where both draws are too small for a float.
    #[cold]
    fn coin(&self, rng: &mut impl Rng) -> f32 {
        let mean = self.alpha.shape() / (self.alpha.shape() + self.beta.shape());
        f32::from(rng.random::<f64>() < mean)
    }
}

/// A Gamma distribution of scale 1: Marsaglia and Tsang, A Simple Method for Generating Gamma
/// Variables, ACM TOMS 26(3), 2000. Its shape is d + 1/3, or d - 2/3 where `d` is negated.
#[derive(Clone, Copy)]
struct Gamma {
    d: f64,
    c: f64,
}

impl Gamma {
    fn new(shape: f64) -> Gamma {
        let boosted = if shape < 1.0 { shape + 1.0 } else { shape };
        let d = boosted - 1.0 / 3.0;
        Gamma { d: if shape < 1.0 { -d } else { d }, c: (9.0 * d).sqrt().recip() }
    }

    fn shape(&self) -> f64 {
        if self.d < 0.0 { -self.d - 2.0 / 3.0 } else { self.d + 1.0 / 3.0 }
    }

    fn draw(&self, rng: &mut impl Rng) -> f64 {
        let d = self.d.abs();
        let drawn = loop {
            let x: f64 = StandardNormal.sample(rng);
            let t = 1.0 + self.c * x;
            if t <= 0.0 {
                continue;
            }
            let (v, x2, u) = (t * t * t, x * x, 1.0 - rng.random::<f64>());
            if u < 1.0 - 0.0331 * x2 * x2 || u.ln() < 0.5 * x2 + d * (1.0 - v + v.ln()) {
                break d * v;
            }
        };
        if self.d > 0.0 {
            return drawn;
        }
        drawn * (1.0 - rng.random::<f64>()).powf(self.shape().recip())
    }
}
