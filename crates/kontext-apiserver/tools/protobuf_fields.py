#!/usr/bin/env python3
"""Writes src/protobuf/fields.txt: the protobuf field numbers of the kinds that the server reads.

    go mod download k8s.io/api@v0.36.3 k8s.io/apimachinery@v0.36.3
    tools/protobuf_fields.py "$(go env GOMODCACHE)/k8s.io/api@v0.36.3" \
        "$(go env GOMODCACHE)/k8s.io/apimachinery@v0.36.3" > src/protobuf/fields.txt

The numbers come from the struct tags of the Go types, which are what clients encode by.
"""
import os
import re
import sys

API, MACHINERY = sys.argv[1:3]

PACKAGES = {
    "core.v1": "core/v1", "apps.v1": "apps/v1", "batch.v1": "batch/v1", "policy.v1": "policy/v1",
    "autoscaling.v1": "autoscaling/v1", "autoscaling.v2": "autoscaling/v2", "rbac.v1": "rbac/v1",
    "coordination.v1": "coordination/v1", "discovery.v1": "discovery/v1", "events.v1": "events/v1",
    "networking.v1": "networking/v1", "storage.v1": "storage/v1", "scheduling.v1": "scheduling/v1",
    "admissionregistration.v1": "admissionregistration/v1",
    "authentication.v1": "authentication/v1", "authorization.v1": "authorization/v1",
    "node.v1": "node/v1",
}
GROUPS = {
    "core.v1": "v1", "rbac.v1": "rbac.authorization.k8s.io/v1", "coordination.v1": "coordination.k8s.io/v1",
    "discovery.v1": "discovery.k8s.io/v1", "events.v1": "events.k8s.io/v1", "networking.v1": "networking.k8s.io/v1",
    "storage.v1": "storage.k8s.io/v1", "scheduling.v1": "scheduling.k8s.io/v1",
    "admissionregistration.v1": "admissionregistration.k8s.io/v1",
    "authentication.v1": "authentication.k8s.io/v1", "authorization.v1": "authorization.k8s.io/v1",
    "node.v1": "node.k8s.io/v1",
}
KINDS = {
    "core.v1": "Pod Namespace Node Service ConfigMap Secret ServiceAccount Event ReplicationController PersistentVolume "
               "PersistentVolumeClaim Endpoints PodTemplate LimitRange ResourceQuota Binding",
    "apps.v1": "Deployment ReplicaSet StatefulSet DaemonSet ControllerRevision",
    "batch.v1": "Job CronJob", "policy.v1": "PodDisruptionBudget Eviction",
    "autoscaling.v1": "HorizontalPodAutoscaler Scale", "autoscaling.v2": "HorizontalPodAutoscaler",
    "rbac.v1": "Role RoleBinding ClusterRole ClusterRoleBinding", "coordination.v1": "Lease",
    "discovery.v1": "EndpointSlice", "events.v1": "Event",
    "networking.v1": "Ingress NetworkPolicy IngressClass",
    "storage.v1": "StorageClass CSIDriver CSINode CSIStorageCapacity VolumeAttachment VolumeAttributesClass",
    "node.v1": "RuntimeClass",
    "scheduling.v1": "PriorityClass",
    "admissionregistration.v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "authentication.v1": "SelfSubjectReview TokenReview",
    "authorization.v1": "SelfSubjectAccessReview SubjectAccessReview LocalSubjectAccessReview SelfSubjectRulesReview",
}
# Packages that the imports of the types name.
IMPORTS = {"metav1": "meta.v1", "v1": "core.v1", "corev1": "core.v1", "api": "core.v1", "apiv1": "core.v1"}
SPECIAL = {
    "resource.Quantity": "q", "intstr.IntOrString": "i", "runtime.RawExtension": "r", "meta.v1.Time": "t",
    "meta.v1.MicroTime": "u", "meta.v1.FieldsV1": "r", "meta.v1.Duration": "d",
}
STRUCT = re.compile(r"^type (\w+) struct \{(.*?)^\}", re.M | re.S)
ALIAS = re.compile(r"^type (\w+) ([\w\.\[\]\*]+)\s*$", re.M)
FIELD = re.compile(r"^\s*(?:(\w+)\s+)?([\w\.\*\[\]]+)\s+`([^`]*)`", re.M)

structs, aliases = {}, {}


def load(package, folder):
    for name in os.listdir(folder):
        if not name.endswith(".go") or name.endswith("_test.go") or name.startswith(("zz_", "generated")):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = re.sub(r"(?m)//.*$", "", file.read())
        for found in STRUCT.finditer(text):
            structs[package, found[1]] = FIELD.findall(found[2])
        for found in ALIAS.finditer(text):
            aliases[package, found[1]] = found[2]


for package, folder in PACKAGES.items():
    load(package, os.path.join(API, folder))
load("meta.v1", os.path.join(MACHINERY, "pkg/apis/meta/v1"))

wanted, done, lines = [], set(), []


def shape(package, go):
    go = go.lstrip("*")
    if go.startswith("map["):
        return "<" + shape(package, go[go.index("]") + 1:])
    if go == "[]byte":
        return "x"
    if go.startswith("[]"):
        return "[" + shape(package, go[2:])
    if go in SPECIAL:
        return SPECIAL[go]
    if go == "string":
        return "s"
    if go == "bool":
        return "b"
    if go in ("int", "int32", "int64", "uint8", "uint32", "uint64"):
        return "n"
    if "." in go:
        prefix, name = go.split(".")
        if prefix in ("types",):
            return "s"
        package, go = IMPORTS[prefix], name
    if f"{package}.{go}" in SPECIAL:
        return SPECIAL[f"{package}.{go}"]
    if (package, go) in structs:
        if (package, go) not in done:
            done.add((package, go))
            wanted.append((package, go))
        return f"@{package}.{go}"
    return shape(package, aliases[package, go])


for package, kinds in KINDS.items():
    for kind in kinds.split():
        group = GROUPS.get(package, package.replace(".", "/"))
        lines.append(f"kind {group}/{kind} {shape(package, kind)[1:]}")
lines.append(f"kind v1/DeleteOptions {shape('meta.v1', 'DeleteOptions')[1:]}")

while wanted:
    package, name = wanted.pop(0)
    fields = []
    for _, go, tag in structs[package, name]:
        json = re.search(r'json:"([^"]*)"', tag)
        proto = re.search(r'protobuf:"(\w+),(\d+),', tag)
        if not json or not proto:
            continue
        key = json[1].split(",")[0]
        inline = "inline" in json[1].split(",")[1:] or not key
        fields.append(f"{proto[2]}{'^' if inline else '=' + key}:{shape(package, go)}")
    lines.append(f"{package}.{name} {' '.join(fields)}")
print("\n".join(lines))
