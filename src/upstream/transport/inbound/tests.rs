//! What a server sends finds its receiver, and nobody else's.

use futures_util::FutureExt as _;

use super::*;

#[tokio::test]
async fn batches_are_sorted_and_never_nested() {
    let (inbound, _control) = Inbound::new("test", 1 << 20, Arc::default());
    let ticket = inbound.expect(FIRST_ID, true).unwrap();
    inbound.accept(format!("{}1{}", "[1,".repeat(50_000), "]".repeat(50_000)).as_bytes());
    let answer = format!(r#"[{{"jsonrpc":"2.0","id":{},"result":{{"a":1}}}}]"#, FIRST_ID);
    inbound.accept(answer.as_bytes());
    assert_eq!(ticket.answer().await.unwrap().unwrap().json().get(), r#"{"a":1}"#);
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_another() {
    let (inbound, Outlets { messages: mut control, .. }) = Inbound::new("test", 1 << 20, Arc::default());
    inbound.expect_control(&RequestId::Number(0), "server/discover");
    inbound.expect_control(&RequestId::Number(1), "initialize");
    inbound.accept(br#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"late"}}"#);
    inbound.accept(br#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#);
    let answer = control.recv().await.unwrap();
    assert!(matches!(answer, ServerJsonRpcMessage::Response(_)), "{answer:?}");
    inbound.expect_control(&RequestId::Number(2), "initialize");
    inbound.accept(
        br#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"the server could not read the id"}}"#,
    );
    assert!(matches!(control.recv().await, Some(ServerJsonRpcMessage::Error(_))));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_finds_its_caller() {
    let (inbound, _control) = Inbound::new("test", 1 << 20, Arc::default());
    let ticket = inbound.expect(FIRST_ID, true).unwrap();
    let answer = format!(r#"{{"result":{{"id":2345678901}},"oops","id":{}}}"#, FIRST_ID);
    inbound.accept(answer.as_bytes());
    assert!(matches!(ticket.answer().await, Err(TransportError::Lost(_))));
}

/// The end of an answer that is too large may hold what a caller has sent, with the id of another's call.
#[tokio::test]
async fn an_id_in_data_fails_no_other_call() {
    let (inbound, _control) = Inbound::new("test", 1 << 20, Arc::default());
    let (own, others) = (FIRST_ID, FIRST_ID + 1);
    let (ticket, mut victim) =
        (inbound.expect(own, true).unwrap(), pin!(inbound.expect(others, true).unwrap().answer()));
    let tail = format!(r#"x"}}]}},"z":[{{"id":{others}}}]}}]]]]}},{{"id":{others},"#);
    let head = r#"{"result":{"content":[{"text":"x"#;
    let refuse = |tail: String| {
        inbound.refuse(head.as_bytes(), tail.as_bytes(), TransportError::TooLarge(inbound.max_message()))
    };
    assert!(refuse(format!(r#"{tail}"jsonrpc":"2.0","id":{own}}}"#)));
    let own = ticket.answer().now_or_never();
    assert!(matches!(own, Some(Err(TransportError::TooLarge(_)))), "{own:?}");
    assert!(!refuse(format!(r#"{tail}"a":1}}"#)), "nobody's");
    assert!(victim.as_mut().now_or_never().is_none(), "the other call goes on");
}
