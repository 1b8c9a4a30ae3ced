import { ofType, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { isUnknown, valueAt } from "../../graph/values.ts";
import { ANNEX_III_FROM, GDPR_FROM, STRICT, type Control, type Problem } from "./control.ts";
import { checked, expectInput, naming, problemAt } from "./reading.ts";
import { refusesPlainConnections, statements } from "./resource-policies.ts";

const FILE_SYSTEM = "aws:efs/fileSystem:FileSystem";
const FILESTORE = "filestore.csi.storage.gke.io";

/** Whether an input is a key of this stack. */
function ownKey(node: ResourceNode, input: string, property: string, key: string): Problem[] {
  const value = valueAt(node.inputs, property);
  const linked = (node.propertyDependencies[input] ?? []).some((urn) => urn.includes(key));
  return linked && value !== undefined ? [] : [problemAt(node.urn, property, value, "a key of this stack")];
}

function onAws(graph: ResourceGraph, node: ResourceNode): Problem[] {
  const policies = naming(graph, "aws:efs/fileSystemPolicy:FileSystemPolicy", "fileSystemId", node.urn);
  const refuses = "a policy that refuses connections without TLS";
  return [
    ...expectInput(node, "encrypted", "true", (value) => value === true),
    ...ownKey(node, "kmsKeyId", "kmsKeyId", "aws:kms/key:Key"),
    ...(policies.length === 0
      ? [problemAt(node.urn, undefined, undefined, refuses)]
      : policies.flatMap((policy) =>
          expectInput(policy, "policy", refuses, (text) => refusesPlainConnections(statements(text) ?? [])),
        )),
  ];
}

/** Classes of this stack whose volumes are Filestore instances, and those nobody can tell yet. */
function filestoreClasses(graph: ResourceGraph): ResourceNode[] {
  return ofType(graph, "kubernetes:storage.k8s.io/v1:StorageClass").filter(
    ({ inputs }) => isUnknown(inputs["provisioner"]) || inputs["provisioner"] === FILESTORE,
  );
}

/** Controls of file systems that replicas share. */
export const sharedFilesControls: readonly Control[] = [
  {
    id: "AIA-SEC-07",
    title: "Shared files under an own key",
    sources: ["https://docs.aws.amazon.com/efs/latest/ug/encryption.html"],
    severity: "high",
    platforms: ["aws", "gcp"],
    legal: [
      { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 32(1)(a)", appliesFrom: GDPR_FROM },
    ],
    levels: STRICT,
    rationale: "Weights and compiled kernels that engines load from a file system are code.",
    remediation: "Use cache kind shared of a model; the stack makes the file system with its key.",
    blindSpots:
      "Classes of an existing cluster. NFS to Filestore is not encrypted by TLS; it stays inside the network.",
    evaluate: (graph) =>
      checked(
        [...ofType(graph, FILE_SYSTEM), ...filestoreClasses(graph)],
        (node) =>
          node.type === FILE_SYSTEM
            ? onAws(graph, node)
            : ownKey(
                node,
                "parameters",
                "parameters.instance-encryption-kms-key",
                "gcp:kms/cryptoKey:CryptoKey",
              ),
        "no replicas share files of this stack",
      ),
  },
];
