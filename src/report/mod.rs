//! PURE. What people and programs read; everything is written to a `&mut dyn Write` or given as a value.

mod changes;
pub mod counts;
pub mod ended;
pub mod events;
mod facts;
pub mod limited;
pub mod live;
pub mod morning;
pub mod needs;
pub mod notice;
pub mod page;
pub mod plan;
pub mod plan_json;
mod spans;
pub mod spent;
pub mod summary;
pub mod text;
pub mod timeline;
pub mod times;
pub mod used;
pub mod view;
