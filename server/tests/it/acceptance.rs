//! The whole program from outside: a process, its pipes, its port and its database file.

mod attack;
mod chaos;
mod crash;
mod doctor;
mod doors;
mod flows;
mod forget;
mod inspector;
mod logs;
mod migrate;
mod outcomes;
mod program;
mod talk;
