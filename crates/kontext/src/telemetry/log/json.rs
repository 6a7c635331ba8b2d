//! Lines for machines.

use super::line::{Line, escaped, quoted};

pub(super) fn write(line: &Line<'_>) -> String {
    let mut out = format!(
        r#"{{"ts":"{:.3}","level":"{}","logger":{},"msg":{}"#,
        line.time,
        line.level,
        quoted(line.logger),
        quoted(&line.message)
    );
    for (key, value) in &line.fields {
        out.push(',');
        out.push_str(&quoted(key));
        out.push(':');
        out.push_str(&escaped(value.to_string()));
    }
    out.push('}');
    out
}
