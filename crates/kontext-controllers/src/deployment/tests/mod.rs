mod history;
mod properties;
mod rolling;
mod scaling;
mod scenarios;
mod status;
mod world;
