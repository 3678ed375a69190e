//! A conversation's turn: found by its id, one message taken in, saved again. And the two places to save it.

use std::sync::Arc;

use futures::StreamExt;
use graph_flow::{Graph, InMemorySessionStorage, PostgresSessionStorage, Session, SessionStorage};
use sqlx::PgPool;

use crate::booking::{LISTENING, graph};
use crate::script::{Hotel, Script, Turn};

/// What can go wrong in a benchmark; it stops at the first.
pub type Failure = Box<dyn std::error::Error>;

/// The graph over one store.
pub struct Talk {
    graph: Graph,
    storage: Arc<dyn SessionStorage>,
    /// How many conversations are in flight at once.
    pub at_once: usize,
}

impl Talk {
    /// Over graph-flow's own store in memory.
    pub fn in_memory(script: &Script) -> Result<Self, Failure> {
        let storage = Arc::new(InMemorySessionStorage::new());
        Ok(Self { graph: graph(&Arc::new(Hotel::of(script)))?, storage, at_once: 1 })
    }

    /// Over graph-flow's own store in PostgreSQL.
    pub async fn in_postgres(script: &Script, address: &str, at_once: usize) -> Result<Self, Failure> {
        let storage = Arc::new(PostgresSessionStorage::connect(address).await?);
        Ok(Self { graph: graph(&Arc::new(Hotel::of(script)))?, storage, at_once })
    }

    /// Takes one message to the conversation of that id; a question that is not the expected one is an error. One load
    /// and one save a turn, as the documentation of `FlowRunner` shows under "manual": its `run` would need the message
    /// saved first.
    pub async fn turn(&self, conversation: &str, turn: &Turn) -> Result<(), Failure> {
        let mut session = match self.storage.get(conversation).await? {
            Some(session) => session,
            None => Session::new_from_task(conversation.to_owned(), LISTENING),
        };
        session.context.set("said", &turn.said)?;
        let found = self.graph.execute_session(&mut session).await?;
        self.storage.save(session).await?;
        match found.response {
            Some(asked) if asked == turn.asks => Ok(()),
            asked => Err(format!("{conversation}: asked {asked:?}, not {}", turn.asks).into()),
        }
    }

    /// Plays a whole scene.
    pub async fn play(&self, conversation: &str, scene: &[Turn]) -> Result<(), Failure> {
        for turn in scene {
            self.turn(conversation, turn).await?;
        }
        Ok(())
    }

    /// Every scene of the script: a graph that does less work than the others does not get timed.
    pub async fn check(&self, script: &Script) -> Result<(), Failure> {
        for (name, scene) in &script.scenes {
            self.play(name, scene).await?;
        }
        self.play("booking", &script.booking).await
    }

    /// Books in all these conversations, turn by turn.
    pub async fn book(&self, conversations: &[String], script: &Script) -> Result<(), Failure> {
        for turn in &script.booking {
            if self.at_once == 1 {
                for conversation in conversations {
                    self.turn(conversation, turn).await?;
                }
            } else {
                let mut turns = futures::stream::iter(conversations)
                    .map(|conversation| self.turn(conversation, turn))
                    .buffer_unordered(self.at_once);
                while let Some(done) = turns.next().await {
                    done?;
                }
            }
        }
        Ok(())
    }

    /// The bytes a conversation takes as JSON; its store in memory keeps it as objects.
    pub async fn as_json(&self, conversation: &str) -> Result<usize, Failure> {
        let session = self.storage.get(conversation).await?.ok_or("no such conversation")?;
        Ok(serde_json::to_vec(&session)?.len())
    }
}

/// The table of graph-flow's store, seen from beside.
pub struct Table(PgPool);

impl Table {
    /// The table in that database.
    pub async fn at(address: &str) -> Result<Self, Failure> {
        Ok(Self(PgPool::connect(address).await?))
    }

    /// Empties the table and gives the bytes it takes then.
    pub async fn clear(&self) -> Result<i64, Failure> {
        sqlx::query("TRUNCATE sessions").execute(&self.0).await?;
        self.bytes().await
    }

    /// The bytes on disk, indexes included, without what updates left behind.
    pub async fn bytes(&self) -> Result<i64, Failure> {
        sqlx::query("VACUUM FULL sessions").execute(&self.0).await?;
        Ok(sqlx::query_scalar("SELECT pg_total_relation_size('sessions')").fetch_one(&self.0).await?)
    }

    /// The bytes of one conversation's row.
    pub async fn row_bytes(&self, conversation: &str) -> Result<i32, Failure> {
        let size = "SELECT pg_column_size(sessions.*) FROM sessions WHERE id = $1";
        Ok(sqlx::query_scalar(size).bind(conversation).fetch_one(&self.0).await?)
    }

    /// What one row in one transaction costs, without any library around it: microseconds, one by one.
    pub async fn bare_commits(&self, count: usize) -> Result<Vec<f64>, Failure> {
        let mut connection = self.0.acquire().await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS bare (id BIGINT, body TEXT)")
            .execute(&mut *connection)
            .await?;
        let body = "x".repeat(200);
        let mut took = Vec::with_capacity(count);
        for id in 0..count {
            let began = std::time::Instant::now();
            sqlx::query("INSERT INTO bare VALUES ($1, $2)")
                .bind(i64::try_from(id)?)
                .bind(&body)
                .execute(&mut *connection)
                .await?;
            took.push(began.elapsed().as_secs_f64() * 1e6);
        }
        Ok(took)
    }
}
