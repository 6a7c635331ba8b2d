//! Free loopback ports that stay free until the server has them.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use tokio::net::TcpSocket;

/// A loopback port that nobody else is given while this lives.
///
/// Finding a free port and passing its number on leaves a gap in which a parallel test, or any outgoing connection,
/// may take it. So the socket stays bound, never listening, with `SO_REUSEPORT`, and the server is told to bind with
/// that option too (`--permit-port-sharing` and `--socket-reuse-port`). Connections go to the one that listens.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl ReservedPort {
    pub(crate) fn new() -> Result<Self> {
        let reserve = || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseport(true)?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            Ok::<_, std::io::Error>((socket.local_addr()?, socket))
        };
        let (address, socket) = reserve().context("reserve a loopback port")?;
        Ok(Self { address, _socket: socket })
    }

    pub(crate) fn number(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:PORT`, or with another scheme.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn reserved_ports_are_handed_out_once() {
        let ports: Vec<_> = (0..500).map(|_| ReservedPort::new().unwrap()).collect();
        let numbers: HashSet<_> = ports.iter().map(ReservedPort::number).collect();
        assert_eq!(numbers.len(), ports.len());
    }

    #[tokio::test]
    async fn nobody_takes_a_reserved_port_by_accident_and_its_server_can() {
        let port = ReservedPort::new().unwrap();
        let taken = TcpListener::bind(port.address).unwrap_err();
        assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);

        let server = TcpSocket::new_v4().unwrap();
        server.set_reuseport(true).unwrap();
        server.bind(port.address).unwrap();
        let listener = server.listen(1).unwrap();
        let (client, accepted) =
            tokio::join!(tokio::net::TcpStream::connect(port.address), listener.accept());
        client.unwrap();
        accepted.unwrap();
    }
}
