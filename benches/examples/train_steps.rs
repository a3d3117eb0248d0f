//! How many training steps a second? Prints one JSON line; benches/compare/train reads it.
//!
//!     train_steps --steps 20 --threads 2 --channels 32,64,96,128
//!
//! Crops made ahead, forward, cross-entropy, backward, clipping, AdamW: what PyTorch's side does too. The
//! head looks at the last block; a stage's other terms and the average of weights are left out.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints, and may stop at an error")]

use std::time::Instant;

use audio_frontend::FrontEndConfig;
use benches::cpu_seconds;
use tch::{Kind, Tensor};
use trainer::augment::AugmentConfig;
use trainer::metric::loss::cross_entropy::cross_entropy;
use trainer::model::Taps;
use trainer::model::{Architecture, CnnConfig, Mode};
use trainer::stage::Setup;
use trainer::stage::network::Network;
use trainer::stage::optimiser::{AdamW, StepSize};

const WARM_UP_STEPS: usize = 5;
const CROPS: i64 = 64;
const GENRES: i64 = 8;

fn main() {
    let argument = |name: &str| {
        let mut arguments = std::env::args().skip_while(move |argument| argument != name);
        arguments.nth(1).unwrap_or_else(|| panic_missing(name))
    };
    let number = |name: &str| argument(name).parse::<usize>().expect("a number");
    trainer::use_threads(number("--threads"));
    let channels = argument("--channels").split(',').map(|channels| channels.parse().expect("channels")).collect();
    let (front_end, architecture) =
        (FrontEndConfig::default(), Architecture::Cnn(CnnConfig { channels, taps: Taps::Last, ..Default::default() }));
    let setup = Setup { seed: 1, front_end: &front_end, architecture: &architecture, augment: &AugmentConfig::OFF };
    let genres: Vec<String> = (0..GENRES).map(|genre| genre.to_string()).collect();
    let network = Network::random(setup, &genres).expect("the network builds");
    let mut optimiser = AdamW::new(&network.variables);
    let shape = [CROPS, front_end.window_frames as i64, front_end.mel_bands as i64];
    let input = Tensor::randn(shape, tch::kind::FLOAT_CPU) * 15.0 - 30.0;
    let targets = Tensor::randint(GENRES, [CROPS], tch::kind::INT64_CPU).one_hot(GENRES).to_kind(Kind::Float);
    let size = StepSize { learning_rate: 1e-3, backbone_factor: 1.0, weight_decay: 0.05, clip_norm: 1.0 };
    let mut step = || {
        let vectors = network.encoder.forward(&input, Mode::Train { frozen_layers: 0 });
        let loss = cross_entropy(&network.classifier.forward(&vectors), &targets, 0.1);
        let value = loss.double_value(&[]);
        optimiser.zero_gradients();
        loss.backward();
        optimiser.step(size).expect("a step");
        value
    };
    (0..WARM_UP_STEPS).for_each(|_| assert!(step().is_finite()));
    let steps = number("--steps");
    let (started, cpu) = (Instant::now(), cpu_seconds());
    (0..steps).for_each(|_| assert!(step().is_finite()));
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("{{\"steps\": {steps}, \"seconds\": {seconds}, \"cpu_seconds\": {cpu}}}");
}

#[allow(clippy::panic, reason = "a measurement may stop at an error")]
fn panic_missing(name: &str) -> String {
    panic!("{name} is missing")
}
