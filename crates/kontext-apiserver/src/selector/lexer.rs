//! The tokens of a label selector.

/// A token; identifiers and words carry their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    In,
    NotIn,
    Identifier(String),
    End,
    Broken(String),
}

impl Token {
    /// The text as messages quote it.
    pub(super) fn text(&self) -> &str {
        match self {
            Token::Open => "(",
            Token::Close => ")",
            Token::Comma => ",",
            Token::Not => "!",
            Token::Equals => "=",
            Token::DoubleEquals => "==",
            Token::NotEquals => "!=",
            Token::Greater => ">",
            Token::Less => "<",
            Token::In => "in",
            Token::NotIn => "notin",
            Token::Identifier(text) | Token::Broken(text) => text,
            Token::End => "",
        }
    }

    /// `in` and `notin` are words like any other where a key or a value is expected.
    pub(super) fn as_identifier(&self) -> Option<&str> {
        match self {
            Token::Identifier(_) | Token::In | Token::NotIn => Some(self.text()),
            _ => None,
        }
    }
}

fn is_special(character: char) -> bool {
    matches!(character, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn symbol(text: &str) -> Option<Token> {
    Some(match text {
        "(" => Token::Open,
        ")" => Token::Close,
        "," => Token::Comma,
        "!" => Token::Not,
        "=" => Token::Equals,
        "==" => Token::DoubleEquals,
        "!=" => Token::NotEquals,
        ">" => Token::Greater,
        "<" => Token::Less,
        _ => return None,
    })
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let end = if is_special(first) {
            let run = rest.find(|c| !is_special(c)).unwrap_or(rest.len());
            // The longest run of symbols that is one token.
            let end = (1..=run.min(2)).rev().find(|end| symbol(&rest[..*end]).is_some()).unwrap_or(run);
            tokens.push(symbol(&rest[..end]).unwrap_or_else(|| {
                Token::Broken(format!("error expected: keyword found '{}'", &rest[..end]))
            }));
            end
        } else {
            let end = rest.find(|c| is_special(c) || is_space(c)).unwrap_or(rest.len());
            tokens.push(match &rest[..end] {
                "in" => Token::In,
                "notin" => Token::NotIn,
                word => Token::Identifier(word.to_owned()),
            });
            end
        };
        rest = rest[end..].trim_start_matches(is_space);
    }
    tokens.push(Token::End);
    tokens
}
