//! One client per tracker behind one enum: plan the exact requests, send them, and say plainly what came of it.
//!
//! ```text
//! Client::new(ConnectionSettings { kind, base_url, credential, label }, egress) -> Client
//! probe(&[&str])                          -> Result<Answer<ProbeReport>, ClientError>
//! create(&TicketDraft)                    -> Result<Answer<TicketState>, ClientError>
//! find_by_marker(project, &Marker)        -> Result<Answer<Option<TicketState>>, ClientError>
//! fetch(&TicketRef)                       -> Result<Answer<TicketState>, ClientError>
//! update(&TicketRef, &TicketChange)       -> Result<Answer<()>, ClientError>
//! close(&TicketRef, &Move), reopen(..)    -> Result<Answer<()>, ClientError>
//! comment(&TicketRef, &TicketComment)     -> Result<Answer<CommentRef>, ClientError>
//! find_comment(&TicketRef, marker: &str)  -> Result<Answer<Option<CommentRef>>, ClientError>
//! list(project, cursor: Option<&str>)     -> Result<Answer<TicketPage>, ClientError>
//! delete(&TicketRef)                      -> Result<Answer<()>, ClientError>
//! plan_create / plan_update / plan_close / plan_reopen / plan_comment -> Vec<PlannedRequest>, nothing sent
//! ```
