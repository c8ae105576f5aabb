//! What the command line says.

use std::path::PathBuf;

use lexopt::prelude::*;

pub struct Options {
    pub port: u16,
    pub workers: usize,
    pub features: Option<PathBuf>,
    pub redis: Option<String>,
}

impl Options {
    pub fn read() -> Result<Options, lexopt::Error> {
        let mut options = Options { port: 8000, workers: 1, features: None, redis: None };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("port") => options.port = parser.value()?.parse()?,
                Long("workers") => options.workers = parser.value()?.parse()?,
                Long("features") => options.features = Some(parser.value()?.into()),
                Long("redis") => options.redis = Some(parser.value()?.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        if options.features.is_some() == options.redis.is_some() {
            return Err("give either --features FILE.csv or --redis URL".into());
        }
        Ok(options)
    }
}
