mod candidate;
mod fake;
mod run;
