//! Reads lines of bounded length.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What [`read`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadLine {
    /// A line is in the buffer, without its end.
    Read,
    /// The line is longer than allowed; the buffer holds its beginning, the rest is still to come or to be
    /// [skipped](skip).
    TooLong,
    /// The stream has ended.
    End,
}

/// Reads the next line, of at most `limit()` bytes, into `line`.
pub(super) async fn read<R>(
    reader: &mut R,
    line: &mut Vec<u8>,
    limit: impl Fn() -> usize,
) -> std::io::Result<ReadLine>
where
    R: AsyncBufRead + Unpin,
{
    line.clear();
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

/// Reads to the end of the line that [`read`] has found too long, of which `line` then holds both ends.
pub(super) async fn skip<R>(reader: &mut R, line: &mut Vec<u8>) -> std::io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    line.truncate(END);
    loop {
        let available = reader.fill_buf().await?;
        let newline = available.iter().position(|byte| *byte == b'\n');
        let taken = newline.map_or(available.len(), |newline| newline + 1);
        line.extend_from_slice(&available[..taken]);
        reader.consume(taken);
        if line.len() > 2 * END {
            line.drain(END..line.len() - END);
        }
        if newline.is_some() || taken == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn splits_lines_and_stops_at_the_limit() {
        let mut input = &b"one\r\n\nlonger than six\nend"[..];
        let mut line = Vec::new();
        assert_eq!(read(&mut input, &mut line, || 6).await.unwrap(), ReadLine::Read);
        assert_eq!(line, b"one");
        assert_eq!(read(&mut input, &mut line, || 6).await.unwrap(), ReadLine::Read);
        assert_eq!(line, b"");
        assert_eq!(read(&mut input, &mut line, || 6).await.unwrap(), ReadLine::TooLong);
        assert_eq!(line, b"longer");
        skip(&mut input, &mut line).await.unwrap();
        assert_eq!(line, b"longer than six\n");
        assert_eq!(read(&mut input, &mut line, || 6).await.unwrap(), ReadLine::Read);
        assert_eq!(line, b"end");
        assert_eq!(read(&mut input, &mut line, || 6).await.unwrap(), ReadLine::End);
    }
}
