//! Reads lines of bounded length.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::held::{Full, Hold, SMALL};

/// What [`read`] found.
#[derive(Debug)]
pub(super) enum ReadLine {
    /// A line is in the buffer, without its end.
    Read,
    /// The line is longer than allowed; the buffer holds its beginning, the rest is still to come or to be
    /// [skipped](skip).
    TooLong,
    /// The same, of a line for which there is no room.
    NoRoom(Full),
    /// The stream has ended.
    End,
}

/// Reads the next line, of at most `limit()` bytes, into `line`, which `hold` counts.
pub(super) async fn read<R>(
    reader: &mut R,
    line: &mut Vec<u8>,
    limit: impl Fn() -> usize,
    hold: &mut Hold,
) -> std::io::Result<ReadLine>
where
    R: AsyncBufRead + Unpin,
{
    release(line, hold);
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(if line.is_empty() { ReadLine::End } else { ReadLine::Read });
        }
        let newline = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..newline.unwrap_or(available.len())];
        let limit = limit();
        if line.len() + part.len() > limit {
            let taken = limit.saturating_sub(line.len());
            line.extend_from_slice(&part[..taken]);
            reader.consume(taken);
            return Ok(ReadLine::TooLong);
        }
        if line.len() + part.len() > SMALL
            && let Err(full) = hold.resize_soon(line.len() + part.len()).await
        {
            return Ok(ReadLine::NoRoom(full));
        }
        line.extend_from_slice(part);
        let taken = part.len() + usize::from(newline.is_some());
        reader.consume(taken);
        if newline.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(ReadLine::Read);
        }
    }
}

/// How much of each end of a line that is too long is kept, in bytes.
pub(super) const END: usize = 1024;

/// How much of a line is passed over, in bytes. No answer is so large.
const MOST_SKIPPED: usize = 1 << 30;

/// Empties a line. The memory of a large one serves no other.
pub(super) fn release(line: &mut Vec<u8>, hold: &mut Hold) {
    line.clear();
    if !hold.is_small() {
        *line = Vec::new();
        hold.clear();
    }
}

/// Reads to the end of a line that [`read`] has not read whole, of which `line` then holds both ends. Returns false if it
/// does not end.
pub(super) async fn skip<R>(reader: &mut R, line: &mut Vec<u8>) -> std::io::Result<bool>
where
    R: AsyncBufRead + Unpin,
{
    line.truncate(END);
    let mut skipped = 0;
    loop {
        let available = reader.fill_buf().await?;
        let newline = available.iter().position(|byte| *byte == b'\n');
        let taken = newline.map_or(available.len(), |newline| newline + 1);
        line.extend_from_slice(&available[..taken]);
        reader.consume(taken);
        skipped += taken;
        if line.len() > 2 * END {
            line.drain(END..line.len() - END);
        }
        if newline.is_some() || taken == 0 {
            return Ok(true);
        }
        if skipped > MOST_SKIPPED {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn splits_lines_and_stops_at_the_limit() {
        let mut input = &b"one\r\n\nlonger than six\nend"[..];
        let (mut line, mut hold) = (Vec::new(), Hold::default());
        let mut next = async |line: &mut Vec<u8>| read(&mut input, line, || 6, &mut hold).await.unwrap();
        for whole in ["one", ""] {
            assert!(matches!(next(&mut line).await, ReadLine::Read));
            assert_eq!(line, whole.as_bytes());
        }
        assert!(matches!(next(&mut line).await, ReadLine::TooLong));
        assert_eq!(line, b"longer");
        skip(&mut input, &mut line).await.unwrap();
        assert_eq!(line, b"longer than six\n");
        let mut next = async |line: &mut Vec<u8>| read(&mut input, line, || 6, &mut hold).await.unwrap();
        assert!(matches!(next(&mut line).await, ReadLine::Read));
        assert_eq!(line, b"end");
        assert!(matches!(next(&mut line).await, ReadLine::End));
    }
}
