/** What is lost with a resource: data, identity of a cluster, or the only way to read something. */
export type StatefulKind =
  "bucket" | "key" | "cluster" | "database" | "disk" | "log" | "metrics" | "namespace" | "secret" | "volumes";

/** Types that hold what nobody can recreate, by the first pattern that fits. */
const KINDS: readonly (readonly [StatefulKind, RegExp])[] = [
  ["bucket", /^(aws:s3\/bucket(V2)?:|gcp:storage\/bucket:)/],
  ["key", /^(aws:kms\/(key|replicaKey|externalKey):|gcp:kms\/(cryptoKey|keyRing):)/],
  ["cluster", /^(aws:eks\/cluster:|gcp:container\/cluster:)/],
  [
    "database",
    /^(aws:(rds|dynamodb|elasticache|memorydb|docdb|neptune|opensearch)\/(cluster|instance|table|domain|replicationGroup):|gcp:(sql\/(database|databaseInstance)|redis\/(instance|cluster)|spanner\/(instance|database)|bigtable\/(instance|table)|firestore\/database|alloydb\/cluster):)/,
  ],
  [
    "disk",
    /^(aws:(ebs\/volume|efs\/fileSystem|fsx\/\w+FileSystem):|gcp:(compute\/(disk|regionDisk)|filestore\/instance):)/,
  ],
  ["log", /^(aws:cloudwatch\/logGroup:|gcp:logging\/projectBucketConfig:)/],
  ["metrics", /^aws:amp\/workspace:/],
  ["namespace", /^kubernetes:core\/v1:Namespace$/],
  [
    "secret",
    /^(random:index\/random(Bytes|Password|Uuid|Id|String):|tls:index\/privateKey:|aws:secretsmanager\/secret:|gcp:secretmanager\/secret:)/,
  ],
  ["volumes", /^kubernetes:(apps\/v1:StatefulSet|core\/v1:PersistentVolume(Claim)?)$/],
];

/** What would be lost if a resource of this type were replaced by a new one; undefined for what can be made again. */
export function statefulKindOf(type: string): StatefulKind | undefined {
  return KINDS.find(([, pattern]) => pattern.test(type))?.[0];
}
