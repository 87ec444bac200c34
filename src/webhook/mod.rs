//! The HTTPS side: what the API server sends, and what it gets.

pub mod review;
