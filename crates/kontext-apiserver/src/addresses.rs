//! Cluster addresses of Services, from `10.96.0.0/16`.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::error::{ApiError, invalid_value};
use crate::kinds::Resource;
use crate::object;

const NETWORK: u32 = u32::from_be_bytes([10, 96, 0, 0]);
const SIZE: u32 = 1 << 16;

/// The addresses that are taken.
#[derive(Default)]
pub(crate) struct Addresses(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    addresses: BTreeSet<u32>,
    /// Where the next search begins: an address that was given back is not the next one given.
    last: u32,
}

impl Addresses {
    /// Gives a new Service its address; other kinds and headless or external Services need none.
    pub(crate) fn assign(
        &self,
        resource: &Resource,
        service: &mut Value,
        dry_run: bool,
    ) -> Result<(), ApiError> {
        if !is_service(resource) || service["spec"]["type"] == "ExternalName" {
            return Ok(());
        }
        let wanted = object::text(service, &["spec", "clusterIP"]).to_owned();
        if wanted == "None" {
            set(service, "None");
            return Ok(());
        }
        let mut taken = self.0.lock();
        let address = if wanted.is_empty() {
            let free = (taken.last + 1..SIZE - 1)
                .chain(1..=taken.last)
                .find(|offset| !taken.addresses.contains(offset))
                .ok_or_else(|| ApiError::internal("failed to allocate a serviceIP: range is full"))?;
            taken.last = free;
            free
        } else {
            offset(&wanted).filter(|offset| !taken.addresses.contains(offset)).ok_or_else(|| {
                let why =
                    "failed to allocate IP: the provided IP is not in 10.96.0.0/16 or is already allocated";
                let cause = invalid_value("spec.clusterIPs", json!([wanted]), why);
                ApiError::invalid("", "Service", object::name(service), &[cause])
            })?
        };
        if !dry_run {
            taken.addresses.insert(address);
        }
        set(service, &Ipv4Addr::from(NETWORK + address).to_string());
        Ok(())
    }

    /// Takes back the address of a Service that is gone.
    pub(crate) fn release(&self, resource: &Resource, service: &Value) {
        if is_service(resource)
            && let Some(offset) = offset(object::text(service, &["spec", "clusterIP"]))
        {
            self.0.lock().addresses.remove(&offset);
        }
    }
}

fn is_service(resource: &Resource) -> bool {
    resource.storage_group.is_empty() && resource.plural == "services"
}

fn offset(address: &str) -> Option<u32> {
    let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
    address.checked_sub(NETWORK).filter(|offset| (1..SIZE - 1).contains(offset))
}

fn set(service: &mut Value, address: &str) {
    let spec = object::child(service, "spec");
    spec.insert("clusterIP".to_owned(), json!(address));
    spec.insert("clusterIPs".to_owned(), json!([address]));
    spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
    spec.entry("ipFamilyPolicy").or_insert_with(|| json!("SingleStack"));
}
