import { UNKNOWN, type GraphValue } from "../../graph/values.ts";
import type { Platform } from "../../policies/controls/control.ts";
import { textOf } from "../../policies/controls/reading.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { both, configured, edit, set, without, type Change } from "./changes.ts";
import type { Environment } from "./environments.ts";

/** One broken setting and who must find it. */
export interface Mutation {
  readonly platform: Platform;
  /** Whether the setting is wrong, or nobody can know it before deployment. */
  readonly kind: "fail" | "unknown";
  readonly environment: Environment;
  readonly what: string;
  /** Change of the resources. */
  readonly change?: Change;
  /** Change of the stack file. */
  readonly configure?: (config: PlatformConfig) => PlatformConfig;
  /** ISO time of the evaluation. */
  readonly asOf?: string;
  /** Exactly the controls that then stop a deployment. */
  readonly controls: readonly string[];
}

const LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration";
const BUCKET = "aws:s3/bucket:Bucket";
const LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
const BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy";
const PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
const KEY = "aws:kms/key:Key";
const TRAIL = "aws:cloudtrail/trail:Trail";
const LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup";
const TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate";
const NODE_GROUP = "aws:eks/nodeGroup:NodeGroup";
const AWS_BUDGET = "aws:budgets/budget:Budget";
const GOOGLE_BUCKET = "gcp:storage/bucket:Bucket";
const GOOGLE_KEY = "gcp:kms/cryptoKey:CryptoKey";
const GOOGLE_MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember";
const GOOGLE_LOG = "gcp:projects/iAMAuditConfig:IAMAuditConfig";
const GOOGLE_BUDGET = "gcp:billing/budget:Budget";
const POOL = "gcp:container/nodePool:NodePool";
const FILE_SYSTEM = "aws:efs/fileSystem:FileSystem";
const FILE_SYSTEM_POLICY = "aws:efs/fileSystemPolicy:FileSystemPolicy";
const STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass";
const EKS = "aws:eks/cluster:Cluster";
const GKE = "gcp:container/cluster:Cluster";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const SET = "kubernetes:apps/v1:StatefulSet";
const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
const NAMESPACE = "kubernetes:core/v1:Namespace";
const QUOTA = "kubernetes:core/v1:ResourceQuota";
const SCALER = "kubernetes:keda.sh/v1alpha1:ScaledObject";
const NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool";
const NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass";
const NETWORK = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
const DISRUPTION = "kubernetes:policy/v1:PodDisruptionBudget";
const RELEASE = "kubernetes:helm.sh/v3:Release";
const RULES = "kubernetes:monitoring.coreos.com/v1:PrometheusRule";
const ROUTES = "kubernetes:monitoring.coreos.com/v1alpha1:AlertmanagerConfig";
const ROLLOUT = "kubernetes:argoproj.io/v1alpha1:Rollout";
const ANALYSIS_TEMPLATE = "kubernetes:argoproj.io/v1alpha1:AnalysisTemplate";
const IMAGE = "spec.template.spec.containers.0.image";
const BALANCER = "aws:lb/loadBalancer:LoadBalancer";
const LISTENER = "aws:lb/listener:Listener";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const GROUP_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const ARMOR = "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy";
const SSL_POLICY = "gcp:compute/regionSslPolicy:RegionSslPolicy";
const GOOGLE_GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const BACKEND_POLICY = "kubernetes:networking.gke.io/v1:GCPBackendPolicy";
const SERVICE = "kubernetes:core/v1:Service";
/** Without a lock nothing denies deletions, so rights that nobody can read before deployment count: the entry's controller has some. */
const UNDENIED = ["AIA-LOG-07"] as const;
const READS_GATEWAY = [
  "AIA-SEC-06",
  "AIA-TST-03",
  "AIA-DPR-02",
  "AIA-DPR-03",
  "AIA-LOG-01",
  "AIA-LOG-10",
  "AIA-OVR-01",
  "AIA-OVR-02",
  "AIA-TRN-01",
  "AIA-TRN-02",
  "COST-07",
] as const;

function broken(
  kind: Mutation["kind"],
): (
  platform: Platform,
  environment: Environment,
  what: string,
  change: Change,
  ...controls: readonly string[]
) => Mutation {
  return (platform, environment, what, change, ...controls) => ({
    platform,
    kind,
    environment,
    what,
    change,
    controls,
  });
}

const fail = broken("fail");
const unknown = broken("unknown");

function declared(
  kind: Mutation["kind"],
  environment: Environment,
  what: string,
  configure: (config: PlatformConfig) => PlatformConfig,
  ...controls: readonly string[]
): Mutation {
  return { platform: "configuration", kind, environment, what, configure, controls };
}

function attested(
  control: string,
  subject: string,
  change: Partial<PlatformConfig["attestations"][number]>,
): (config: PlatformConfig) => PlatformConfig {
  return (config) => ({
    ...config,
    attestations: config.attestations.map((each) =>
      each.control === control && each.subject.startsWith(subject) ? { ...each, ...change } : each,
    ),
  });
}

function notAttested(control: string): (config: PlatformConfig) => PlatformConfig {
  return (config) => ({
    ...config,
    attestations: config.attestations.filter((each) => each.control !== control),
  });
}

/** The lock names the bucket of the trail instead of that of the records. */
const lockOnAnotherBucket: Change = (graph) => {
  const other = graph.nodes.find(({ type, name }) => type === BUCKET && name.includes("audit-trail"));
  if (other === undefined) throw new Error("there is no bucket of a trail");
  return edit(LOCK, "audit-lock", () => ({ propertyDependencies: { bucket: [other.urn] } }))(graph);
};

/** Another annotation of a rollout. */
function annotated(name: string, key: string, value: GraphValue): Change {
  return edit(ROLLOUT, name, ({ inputs }) => {
    const { metadata } = inputs as unknown as {
      readonly metadata: { readonly annotations: Readonly<Record<string, GraphValue>> };
    };
    return {
      inputs: {
        ...inputs,
        metadata: { ...metadata, annotations: { ...metadata.annotations, [key]: value } },
      },
    };
  });
}

const biometric = (config: PlatformConfig): PlatformConfig => ({
  ...config,
  riskClass: { ...config.riskClass, annexIII: "1(a)", biometricIdentification: "remote" },
});

/** Every broken setting. */
export const MUTATIONS: readonly Mutation[] = [
  // Governance and documentation
  declared(
    "fail",
    "acme-prod",
    "a purpose of one word and blanks",
    (config) => ({ ...config, riskClass: { ...config.riskClass, intendedPurpose: "chat".padEnd(24) } }),
    "AIA-GOV-01",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a workload without client",
    set(DEPLOYMENT, "claims-reasoner", "metadata.labels", {}),
    "AIA-GOV-02",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "a workload with unknown labels",
    set(DEPLOYMENT, "claims-reasoner", "metadata.labels", UNKNOWN),
    "AIA-GOV-02",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "an image by tag",
    set(DEPLOYMENT, "claims-assistant", IMAGE, "vllm:latest"),
    "AIA-GOV-03",
  ),
  fail(
    "kubernetes",
    "globex-prod",
    "a gateway image by tag",
    set(SET, "gateway-set", IMAGE, "gateway:1"),
    "AIA-GOV-03",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an unknown image",
    set(DEPLOYMENT, "claims-assistant", IMAGE, UNKNOWN),
    "AIA-GOV-03",
  ),
  declared(
    "fail",
    "acme-prod",
    "an impact assessment that ran out",
    attested("AIA-GOV-04", "dpia", { expires: "2026-11-23" }),
    "AIA-GOV-04",
  ),
  declared("unknown", "acme-prod", "no impact assessment", notAttested("AIA-GOV-04"), "AIA-GOV-04"),
  fail("aws", "acme-prod", "no store of documents", without("llmops:audit:AwsDocumentVault"), "AIA-DOC-01"),
  fail(
    "aws",
    "acme-prod",
    "documents under a lock that can be lifted",
    set(LOCK, "documents", "rule.defaultRetention.mode", "GOVERNANCE"),
    "AIA-DOC-01",
  ),
  unknown(
    "aws",
    "acme-prod",
    "documents kept for an unknown time",
    set(LOCK, "documents", "rule.defaultRetention.days", UNKNOWN),
    "AIA-DOC-01",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "documents kept for five years",
    set(GOOGLE_BUCKET, "documents", "retentionPolicy.retentionPeriod", "157680000"),
    "AIA-DOC-01",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "documents under an unknown policy",
    set(GOOGLE_BUCKET, "documents", "retentionPolicy", UNKNOWN),
    "AIA-DOC-01",
  ),
  // The audit store
  fail("aws", "acme-prod", "no audit store", without("llmops:audit:AwsAuditStore"), "AIA-LOG-01"),
  unknown(
    "aws",
    "acme-prod",
    "an audit bucket of unknown name",
    set(BUCKET, "audit-bucket", "bucket", UNKNOWN),
    "AIA-LOG-01",
    "AIA-LOG-09",
  ),
  fail("gcp", "globex-prod", "no audit store", without("llmops:audit:GcpAuditStore"), "AIA-LOG-01"),
  unknown(
    "gcp",
    "globex-prod",
    "an audit bucket of unknown name",
    set(GOOGLE_BUCKET, "audit-bucket", "name", UNKNOWN),
    "AIA-LOG-01",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "records into another bucket",
    configured("bucket: acme-prod-audit-111122223333", "bucket: elsewhere"),
    "AIA-LOG-01",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "no gateway",
    without(CONFIG_MAP),
    "AIA-SEC-06",
    "AIA-TST-03",
    "AIA-LOG-01",
    "AIA-LOG-10",
    "AIA-OVR-01",
    "AIA-OVR-02",
    "AIA-TRN-01",
    "AIA-TRN-02",
    "COST-07",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an unreadable configuration",
    set(CONFIG_MAP, "gateway", "data", UNKNOWN),
    ...READS_GATEWAY,
  ),
  fail(
    "aws",
    "acme-prod",
    "no lock rule",
    without(LOCK, "audit-lock"),
    "AIA-LOG-02",
    "AIA-LOG-03",
    "AIA-LOG-04",
    ...UNDENIED,
  ),
  fail(
    "aws",
    "acme-prod",
    "a lock not enabled on the bucket",
    set(BUCKET, "audit-bucket", "objectLockEnabled", false),
    "AIA-LOG-02",
    ...UNDENIED,
  ),
  fail(
    "aws",
    "acme-prod",
    "governance in high-risk production",
    set(LOCK, "audit-lock", "rule.defaultRetention.mode", "GOVERNANCE"),
    "AIA-LOG-02",
  ),
  fail(
    "aws",
    "acme-prod",
    "a lock on another bucket",
    lockOnAnotherBucket,
    "AIA-LOG-02",
    "AIA-LOG-03",
    "AIA-LOG-04",
    ...UNDENIED,
  ),
  unknown(
    "aws",
    "acme-prod",
    "an unknown mode",
    set(LOCK, "audit-lock", "rule.defaultRetention.mode", UNKNOWN),
    "AIA-LOG-02",
    ...UNDENIED,
  ),
  fail(
    "gcp",
    "globex-prod",
    "no retention policy",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy", null),
    "AIA-LOG-02",
    "AIA-LOG-04",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "a policy that is not locked",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy.isLocked", false),
    "AIA-LOG-02",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "an unknown retention policy",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy", UNKNOWN),
    "AIA-LOG-02",
    "AIA-LOG-04",
  ),
  fail(
    "aws",
    "acme-prod",
    "180 days",
    set(LOCK, "audit-lock", "rule.defaultRetention.days", 180),
    "AIA-LOG-03",
    "AIA-LOG-05",
  ),
  fail(
    "aws",
    "acme-prod",
    "183 days",
    set(LOCK, "audit-lock", "rule.defaultRetention.days", 183),
    "AIA-LOG-03",
    "AIA-LOG-05",
  ),
  fail(
    "aws",
    "acme-prod",
    "zero days",
    set(LOCK, "audit-lock", "rule.defaultRetention.days", 0),
    "AIA-LOG-03",
    "AIA-LOG-04",
  ),
  unknown(
    "aws",
    "acme-prod",
    "unknown days",
    set(LOCK, "audit-lock", "rule.defaultRetention.days", UNKNOWN),
    "AIA-LOG-03",
    "AIA-LOG-04",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "six months of 30 days",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy.retentionPeriod", "15552000"),
    "AIA-LOG-03",
    "AIA-LOG-05",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "unknown seconds",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy.retentionPeriod", UNKNOWN),
    "AIA-LOG-03",
    "AIA-LOG-04",
  ),
  fail(
    "aws",
    "acme-prod",
    "five years",
    set(LOCK, "audit-lock", "rule.defaultRetention.days", 1825),
    "AIA-LOG-04",
    "AIA-LOG-05",
  ),
  fail(
    "gcp",
    "globex-prod",
    "ten years as text",
    set(GOOGLE_BUCKET, "audit-bucket", "retentionPolicy.retentionPeriod", "315360000"),
    "AIA-LOG-04",
  ),
  fail("aws", "acme-prod", "records that never end", without(LIFECYCLE, "audit-lifecycle"), "AIA-LOG-05"),
  fail(
    "aws",
    "acme-prod",
    "records that end a year late",
    set(LIFECYCLE, "audit-lifecycle", "rules.0.expiration.days", 800),
    "AIA-LOG-05",
  ),
  unknown(
    "aws",
    "acme-prod",
    "unknown lifecycle rules",
    set(LIFECYCLE, "audit-lifecycle", "rules", UNKNOWN),
    "AIA-LOG-05",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "records that never end",
    set(GOOGLE_BUCKET, "audit-bucket", "lifecycleRules", []),
    "AIA-LOG-05",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "unknown lifecycle rules",
    set(GOOGLE_BUCKET, "audit-bucket", "lifecycleRules", UNKNOWN),
    "AIA-LOG-05",
  ),
  fail(
    "aws",
    "acme-prod",
    "no protection",
    edit(BUCKET, "audit-bucket", ({ options }) => ({ options: { ...options, protect: false } })),
    "AIA-LOG-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "not retained",
    edit(BUCKET, "audit-bucket", ({ options }) => ({ options: { ...options, retainOnDelete: false } })),
    "AIA-LOG-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "destroyed by force",
    set(BUCKET, "audit-bucket", "forceDestroy", true),
    "AIA-LOG-06",
  ),
  unknown(
    "aws",
    "acme-prod",
    "perhaps destroyed by force",
    set(BUCKET, "audit-bucket", "forceDestroy", UNKNOWN),
    "AIA-LOG-06",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "no protection",
    edit(GOOGLE_BUCKET, "audit-bucket", ({ options }) => ({ options: { ...options, protect: false } })),
    "AIA-LOG-06",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "perhaps destroyed by force",
    set(GOOGLE_BUCKET, "audit-bucket", "forceDestroy", UNKNOWN),
    "AIA-LOG-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "public objects possible",
    set(PUBLIC_ACCESS, "audit-closed", "blockPublicPolicy", false),
    "AIA-LOG-07",
  ),
  fail("aws", "acme-prod", "no policy on the bucket", without(BUCKET_POLICY, "audit-policy"), "AIA-LOG-07"),
  fail(
    "aws",
    "acme-prod",
    "a policy without the ban on bypassing",
    edit(BUCKET_POLICY, "audit-policy", ({ inputs }) => ({
      inputs: {
        ...inputs,
        policy: textOf(inputs["policy"]).replace("s3:BypassGovernanceRetention", "s3:GetObject"),
      },
    })),
    "AIA-LOG-07",
  ),
  fail(
    "aws",
    "acme-prod",
    "a writer that may delete",
    edit(ROLE_POLICY, "audit-writer-inline", ({ inputs }) => ({
      inputs: {
        ...inputs,
        policy: textOf(inputs["policy"]).replace("s3:GetObjectAttributes", "s3:DeleteObject"),
      },
    })),
    "AIA-LOG-07",
  ),
  unknown(
    "aws",
    "acme-prod",
    "a writer of unknown rights",
    set(ROLE_POLICY, "audit-writer-inline", "policy", UNKNOWN),
    "AIA-LOG-07",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "a writer that may delete",
    set(GOOGLE_MEMBER, "objectCreator", "role", "roles/storage.objectAdmin"),
    "AIA-LOG-07",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "public access possible",
    set(GOOGLE_BUCKET, "audit-bucket", "publicAccessPrevention", "inherited"),
    "AIA-LOG-07",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "unknown public access",
    set(GOOGLE_BUCKET, "audit-bucket", "publicAccessPrevention", UNKNOWN),
    "AIA-LOG-07",
  ),
  fail("aws", "acme-prod", "no key of its own", without(ENCRYPTION, "audit-encrypted"), "AIA-LOG-08"),
  fail(
    "aws",
    "acme-prod",
    "a key that does not rotate",
    set(KEY, "audit", "enableKeyRotation", false),
    "AIA-LOG-08",
  ),
  fail(
    "aws",
    "acme-prod",
    "a key that goes in a week",
    set(KEY, "audit", "deletionWindowInDays", 7),
    "AIA-LOG-08",
  ),
  unknown(
    "aws",
    "acme-prod",
    "perhaps a rotating key",
    set(KEY, "audit", "enableKeyRotation", UNKNOWN),
    "AIA-LOG-08",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "a key that goes in a day",
    set(GOOGLE_KEY, "audit", "destroyScheduledDuration", "86400s"),
    "AIA-LOG-08",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "an unknown rotation",
    set(GOOGLE_KEY, "audit", "rotationPeriod", UNKNOWN),
    "AIA-LOG-08",
  ),
  fail("aws", "acme-prod", "no trail", without(TRAIL), "AIA-LOG-09"),
  fail(
    "aws",
    "acme-prod",
    "a trail without digests",
    set(TRAIL, "", "enableLogFileValidation", false),
    "AIA-LOG-09",
  ),
  fail(
    "aws",
    "acme-prod",
    "a trail of another bucket",
    set(TRAIL, "", "advancedEventSelectors", []),
    "AIA-LOG-09",
  ),
  unknown(
    "aws",
    "acme-prod",
    "a trail of unknown selectors",
    set(TRAIL, "", "advancedEventSelectors", UNKNOWN),
    "AIA-LOG-09",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "reads that nobody records",
    set(GOOGLE_LOG, "", "auditLogConfigs", [{ logType: "DATA_WRITE" }]),
    "AIA-LOG-09",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "unknown records of reads",
    set(GOOGLE_LOG, "", "auditLogConfigs", UNKNOWN),
    "AIA-LOG-09",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "best-effort records",
    configured("mode: required", "mode: best-effort"),
    "AIA-LOG-10",
  ),
  unknown(
    "kubernetes",
    "globex-prod",
    "an unreadable configuration",
    set(CONFIG_MAP, "gateway", "data", UNKNOWN),
    "AIA-SEC-06",
    "AIA-TST-03",
    "AIA-DPR-02",
    "AIA-DPR-03",
    "AIA-LOG-01",
    "AIA-LOG-10",
    "AIA-TRN-01",
    "AIA-TRN-02",
    "COST-07",
  ),
  fail("kubernetes", "acme-prod", "one gateway", set(SET, "gateway-set", "spec.replicas", 1), "AIA-LOG-11"),
  fail(
    "kubernetes",
    "acme-prod",
    "records on no volume",
    set(SET, "gateway-set", "spec.volumeClaimTemplates", []),
    "AIA-LOG-11",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an unknown number of gateways",
    set(SET, "gateway-set", "spec.replicas", UNKNOWN),
    "AIA-LOG-11",
    "COST-02",
    "COST-05",
  ),
  fail(
    "aws",
    "acme-prod",
    "no audit log of the control plane",
    set(EKS, "", "enabledClusterLogTypes", ["api"]),
    "AIA-LOG-12",
  ),
  unknown(
    "aws",
    "acme-prod",
    "unknown log types",
    set(EKS, "", "enabledClusterLogTypes", UNKNOWN),
    "AIA-LOG-12",
  ),
  fail(
    "gcp",
    "globex-prod",
    "no log of the API server",
    set(GKE, "", "loggingConfig.enableComponents", ["SYSTEM_COMPONENTS"]),
    "AIA-LOG-12",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "unknown logs",
    set(GKE, "", "loggingConfig.enableComponents", UNKNOWN),
    "AIA-LOG-12",
  ),
  declared("unknown", "acme-prod", "biometrics nobody records", biometric, "AIA-LOG-13"),
  declared(
    "fail",
    "acme-prod",
    "records of biometrics that ran out",
    (config) => {
      const [first] = config.attestations;
      if (first === undefined) throw new Error("no attestation");
      return {
        ...biometric(config),
        attestations: [
          ...config.attestations,
          ...["reference-database", "matched-input", "two-reviewers"].map((subject) => ({
            ...first,
            control: "AIA-LOG-13",
            subject,
            expires: "2026-11-01",
          })),
        ],
      };
    },
    "AIA-LOG-13",
  ),
  // Oversight, tests, incidents
  fail(
    "kubernetes",
    "acme-prod",
    "nobody with the stop switch",
    configured("- stop", "- erase"),
    "AIA-OVR-01",
  ),
  unknown(
    "kubernetes",
    "globex-high-risk",
    "an unreadable configuration",
    set(CONFIG_MAP, "gateway", "data", UNKNOWN),
    "AIA-SEC-06",
    "AIA-TST-03",
    "AIA-DPR-02",
    "AIA-DPR-03",
    "AIA-LOG-01",
    "AIA-LOG-10",
    "AIA-OVR-01",
    "AIA-TRN-01",
    "AIA-TRN-02",
    "COST-07",
  ),
  declared(
    "fail",
    "acme-prod",
    "a drill of last year",
    attested("AIA-OVR-01", "drill", { date: "2025-11-10" }),
    "AIA-OVR-01",
  ),
  declared("unknown", "acme-prod", "no drill", notAttested("AIA-OVR-01"), "AIA-OVR-01"),
  fail(
    "kubernetes",
    "acme-prod",
    "no rule that asks a person",
    configured("action: review", "action: flag"),
    "AIA-OVR-02",
    "AIA-TST-03",
  ),
  unknown(
    "kubernetes",
    "acme-with-content",
    "an unreadable configuration",
    set(CONFIG_MAP, "gateway", "data", UNKNOWN),
    ...READS_GATEWAY,
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "no disruption budget",
    without(DISRUPTION, "claims-assistant"),
    "AIA-OVR-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "nothing to go back to",
    set(DEPLOYMENT, "claims-assistant", "spec.revisionHistoryLimit", 0),
    "AIA-OVR-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "one replica",
    set(SCALER, "claims-reasoner", "spec.minReplicaCount", 1),
    "AIA-OVR-03",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an unknown number of replicas",
    set(SCALER, "claims-reasoner", "spec.minReplicaCount", UNKNOWN),
    "AIA-OVR-03",
  ),
  declared(
    "fail",
    "acme-prod",
    "an evaluation of last year",
    attested("AIA-TST-01", "claims-assistant", { date: "2026-08-01" }),
    "AIA-TST-01",
  ),
  declared(
    "unknown",
    "acme-prod",
    "an evaluation of another revision",
    attested("AIA-TST-01", "claims-assistant", { subject: "claims-assistant@0000" }),
    "AIA-TST-01",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "no alerts",
    without(RULES),
    "AIA-INC-01",
    "AIA-LOG-11",
    "AIA-OVR-01",
    "AIA-TST-02",
    "COST-07",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "unknown alerts",
    set(RULES, "", "spec.groups", UNKNOWN),
    "AIA-INC-01",
    "AIA-LOG-11",
    "AIA-OVR-01",
    "AIA-TST-02",
    "COST-07",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "serious incidents that nobody gets",
    set(ROUTES, "", "spec.receivers", [
      { name: "people" },
      { name: "gateway", webhookConfigs: [{ url: "http://gateway-admin.llm-gateway.svc/admin/alerts" }] },
    ]),
    "AIA-INC-01",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "unknown routes",
    set(ROUTES, "", "spec.route", UNKNOWN),
    "AIA-INC-01",
    "COST-07",
  ),
  // Transparency
  fail(
    "kubernetes",
    "globex-prod",
    "no notice",
    configured(
      /disclosure:\n {4}kind: notice\n {4}text: [^\n]*\n {4}language: en/,
      "disclosure:\n    kind: none",
    ),
    "AIA-TRN-01",
  ),
  fail(
    "kubernetes",
    "globex-prod",
    "answers that are not marked",
    configured("marking: headers", "marking: none"),
    "AIA-TRN-02",
  ),
  // Data protection
  fail(
    "aws",
    "acme-prod",
    "a bucket in another region",
    set(BUCKET, "audit-bucket", "region", "us-east-1"),
    "AIA-DPR-01",
  ),
  unknown(
    "aws",
    "acme-prod",
    "a bucket in an unknown region",
    set(BUCKET, "audit-bucket", "region", UNKNOWN),
    "AIA-DPR-01",
  ),
  fail(
    "gcp",
    "globex-prod",
    "a bucket in London",
    set(GOOGLE_BUCKET, "audit-bucket", "location", "EUROPE-WEST2"),
    "AIA-DPR-01",
  ),
  fail("gcp", "globex-prod", "a cluster in Zurich", set(GKE, "", "location", "europe-west6"), "AIA-DPR-01"),
  unknown(
    "gcp",
    "globex-prod",
    "an unknown location",
    set(GOOGLE_BUCKET, "audit-bucket", "location", UNKNOWN),
    "AIA-DPR-01",
  ),
  fail("kubernetes", "acme-prod", "plain content", configured("kind: none", "kind: plain"), "AIA-DPR-02"),
  fail(
    "aws",
    "acme-with-content",
    "keys under a lock",
    set(BUCKET, "subject-keys", "objectLockEnabled", true),
    "AIA-DPR-03",
  ),
  unknown(
    "aws",
    "acme-with-content",
    "keys perhaps under a lock",
    set(BUCKET, "subject-keys", "objectLockEnabled", UNKNOWN),
    "AIA-DPR-03",
  ),
  fail(
    "gcp",
    "globex-with-content",
    "keys under a retention",
    set(GOOGLE_BUCKET, "subject-keys", "retentionPolicy", { retentionPeriod: "86400" }),
    "AIA-DPR-03",
  ),
  unknown(
    "gcp",
    "globex-with-content",
    "keys under an unknown retention",
    set(GOOGLE_BUCKET, "subject-keys", "retentionPolicy", UNKNOWN),
    "AIA-DPR-03",
  ),
  fail(
    "kubernetes",
    "acme-with-content",
    "nobody who may erase",
    configured("- erase", "- review"),
    "AIA-DPR-03",
  ),
  fail(
    "aws",
    "acme-prod",
    "logs that never end",
    set(LOG_GROUP, "flow-logs", "retentionInDays", null),
    "AIA-DPR-04",
  ),
  unknown(
    "aws",
    "acme-prod",
    "logs of unknown end",
    set(LOG_GROUP, "flow-logs", "retentionInDays", UNKNOWN),
    "AIA-DPR-04",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "metrics for five years",
    set(RELEASE, "monitoring", "values.prometheus.prometheusSpec.retention", "5y"),
    "AIA-DPR-04",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "an engine that logs prompts",
    set(DEPLOYMENT, "claims-assistant", "spec.template.spec.containers.0.args", ["--enable-log-requests"]),
    "AIA-DPR-04",
  ),
  fail(
    "aws",
    "acme-prod",
    "traces that never end",
    set(LIFECYCLE, "traces-store", "rules", []),
    "AIA-DPR-04",
  ),
  fail(
    "aws",
    "acme-prod",
    "traces that a policy could publish",
    set(PUBLIC_ACCESS, "traces-store", "blockPublicPolicy", false),
    "AIA-DPR-04",
  ),
  fail(
    "gcp",
    "globex-with-content",
    "traces for five years",
    set(GOOGLE_BUCKET, "traces-store", "lifecycleRules.0.condition.age", 1_826),
    "AIA-DPR-04",
  ),
  unknown(
    "gcp",
    "globex-with-content",
    "traces of unknown end",
    set(GOOGLE_BUCKET, "traces-store", "lifecycleRules.0.condition.age", UNKNOWN),
    "AIA-DPR-04",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "metrics for an unknown time",
    set(RELEASE, "monitoring", "values.prometheus.prometheusSpec.retention", UNKNOWN),
    "AIA-DPR-04",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "an open way out",
    without(NETWORK, "tenant-claims-default-deny"),
    "AIA-DPR-05",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an unknown way out",
    set(NETWORK, "tenant-claims-default-deny", "spec.egress", UNKNOWN),
    "AIA-DPR-05",
  ),
  declared(
    "fail",
    "acme-with-provider",
    "a provider that may train",
    (config) => ({
      ...config,
      providers: config.providers.map((provider) => ({ ...provider, trainingUse: "allowed" as const })),
    }),
    "AIA-DPR-05",
  ),
  // The way in
  fail(
    "aws",
    "acme-prod",
    "an entry without encryption",
    both(set(LISTENER, "entry", "protocol", "HTTP"), set(LISTENER, "entry", "sslPolicy", null)),
    "AIA-SEC-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "an entry that takes TLS 1.0",
    set(LISTENER, "entry", "sslPolicy", "ELBSecurityPolicy-2016-08"),
    "AIA-SEC-06",
  ),
  unknown(
    "aws",
    "acme-prod",
    "an entry with an unknown policy",
    set(LISTENER, "entry", "sslPolicy", UNKNOWN),
    "AIA-SEC-06",
  ),
  fail("aws", "acme-prod", "an entry without listener", without(LISTENER), "AIA-SEC-06"),
  fail(
    "aws",
    "acme-prod",
    "an entry for everybody",
    set(GROUP, "entry", "ingress.0.cidrBlocks", ["10.0.0.0/8", "0.0.0.0/0"]),
    "AIA-SEC-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "an entry for everybody with an IPv6 address",
    set(GROUP, "entry", "ingress.0.ipv6CidrBlocks", ["::/0"]),
    "AIA-SEC-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "an entry opened by a rule of its own",
    edit(GROUP_RULE, "entry", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, cidrIpv4: "0.0.0.0/0" },
      propertyDependencies: {
        ...propertyDependencies,
        securityGroupId: propertyDependencies["referencedSecurityGroupId"] ?? [],
      },
    })),
    "AIA-SEC-06",
  ),
  unknown(
    "aws",
    "acme-prod",
    "an entry for unknown networks",
    set(GROUP, "entry", "ingress", UNKNOWN),
    "AIA-SEC-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "an entry whose security group is somebody else's",
    edit(BALANCER, "entry", ({ propertyDependencies }) => ({
      propertyDependencies: { ...propertyDependencies, securityGroups: [] },
    })),
    "AIA-SEC-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "an entry without a log",
    set(BALANCER, "entry", "accessLogs", { enabled: false }),
    "AIA-SEC-06",
  ),
  fail(
    "aws",
    "acme-prod",
    "an entry for callers nobody knows",
    configured(/    keys:\n      - "0{64}"\n/, "    keys: []\n"),
    "AIA-SEC-06",
  ),
  fail(
    "gcp",
    "globex-prod",
    "an entry that takes TLS 1.0",
    set(SSL_POLICY, "entry", "minTlsVersion", "TLS_1_0"),
    "AIA-SEC-06",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "an entry with an unknown policy",
    set(SSL_POLICY, "entry", "minTlsVersion", UNKNOWN),
    "AIA-SEC-06",
  ),
  fail(
    "gcp",
    "globex-prod",
    "an entry for everybody",
    set(ARMOR, "entry", "rules.0.match.config.srcIpRanges", ["*"]),
    "AIA-SEC-06",
  ),
  fail(
    "gcp",
    "globex-prod",
    "an entry that lets in whom no rule names",
    set(ARMOR, "entry", "rules.1.action", "allow"),
    "AIA-SEC-06",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "an entry for unknown networks",
    set(ARMOR, "entry", "rules.0.match.config.srcIpRanges", UNKNOWN),
    "AIA-SEC-06",
  ),
  fail(
    "gcp",
    "globex-prod",
    "an entry without encryption",
    set(GOOGLE_GATEWAY, "entry", "spec.listeners.0.protocol", "HTTP"),
    "AIA-SEC-06",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "an entry with unknown listeners",
    set(GOOGLE_GATEWAY, "entry", "spec.listeners", UNKNOWN),
    "AIA-SEC-06",
  ),
  fail(
    "gcp",
    "globex-prod",
    "an entry without a log",
    set(BACKEND_POLICY, "entry", "spec.default.logging", { enabled: false }),
    "AIA-SEC-06",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a load balancer beside the entry",
    set(SERVICE, "gateway-gateway", "spec.type", "LoadBalancer"),
    "AIA-SEC-06",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "a service nobody knows the reach of",
    set(SERVICE, "gateway-gateway", "spec.type", UNKNOWN),
    "AIA-SEC-06",
  ),
  // Platform security
  fail(
    "aws",
    "acme-prod",
    "an API for everybody",
    both(
      set(EKS, "", "vpcConfig.endpointPublicAccess", true),
      set(EKS, "", "vpcConfig.publicAccessCidrs", ["0.0.0.0/0"]),
    ),
    "AIA-SEC-01",
  ),
  fail(
    "aws",
    "acme-prod",
    "a public API without named networks",
    set(EKS, "", "vpcConfig.endpointPublicAccess", true),
    "AIA-SEC-01",
  ),
  unknown(
    "aws",
    "acme-prod",
    "an unknown endpoint",
    set(EKS, "", "vpcConfig.endpointPublicAccess", UNKNOWN),
    "AIA-SEC-01",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "nodes with public addresses",
    set(GKE, "", "privateClusterConfig.enablePrivateNodes", false),
    "AIA-SEC-01",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "an unknown network",
    set(GKE, "", "privateClusterConfig.enablePrivateNodes", UNKNOWN),
    "AIA-SEC-01",
  ),
  fail(
    "aws",
    "acme-prod",
    "cluster secrets under no key",
    edit(EKS, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, encryptionConfig: null },
      propertyDependencies: { ...propertyDependencies, encryptionConfig: [] },
    })),
    "AIA-SEC-02",
  ),
  unknown(
    "aws",
    "acme-prod",
    "cluster secrets under an unknown key",
    edit(EKS, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, encryptionConfig: UNKNOWN },
      propertyDependencies: { ...propertyDependencies, encryptionConfig: [] },
    })),
    "AIA-SEC-02",
  ),
  fail(
    "gcp",
    "globex-high-risk",
    "cluster secrets under no key",
    edit(GKE, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, databaseEncryption: null },
      propertyDependencies: { ...propertyDependencies, databaseEncryption: [] },
    })),
    "AIA-SEC-02",
  ),
  unknown(
    "gcp",
    "globex-high-risk",
    "cluster secrets under an unknown key",
    edit(GKE, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, databaseEncryption: UNKNOWN },
      propertyDependencies: { ...propertyDependencies, databaseEncryption: [] },
    })),
    "AIA-SEC-02",
  ),
  fail(
    "aws",
    "acme-prod",
    "credentials of the node for every pod",
    set(TEMPLATE, "system", "metadataOptions.httpPutResponseHopLimit", 2),
    "AIA-SEC-03",
  ),
  unknown(
    "aws",
    "acme-prod",
    "unknown metadata options",
    set(TEMPLATE, "system", "metadataOptions", UNKNOWN),
    "AIA-SEC-03",
  ),
  fail(
    "gcp",
    "globex-prod",
    "nodes that show their own identity",
    set(POOL, "system", "nodeConfig.workloadMetadataConfig.mode", "GCE_METADATA"),
    "AIA-SEC-03",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "nodes of unknown identity",
    set(POOL, "system", "nodeConfig.workloadMetadataConfig.mode", UNKNOWN),
    "AIA-SEC-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a static key in a variable",
    set(DEPLOYMENT, "claims-assistant", "spec.template.spec.containers.0.env", [
      { name: "AWS_SECRET_ACCESS_KEY", value: "x" },
    ]),
    "AIA-SEC-03",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "unknown metadata options of GPU nodes",
    set(NODE_CLASS, "l40s-machines", "spec.metadataOptions", UNKNOWN),
    "AIA-SEC-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "an engine without a policy",
    without(NETWORK, "claims"),
    "AIA-DPR-05",
    "AIA-SEC-04",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "an engine open to every namespace",
    set(NETWORK, "claims-assistant-network", "spec.ingress", [{ from: [{ namespaceSelector: {} }] }]),
    "AIA-SEC-04",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "an engine open to everything",
    set(NETWORK, "claims-assistant-network", "spec.ingress", [{}]),
    "AIA-SEC-04",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an engine perhaps open",
    set(NETWORK, "claims-assistant-network", "spec.ingress", UNKNOWN),
    "AIA-SEC-04",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a namespace that allows privileges",
    set(NAMESPACE, "tenant-claims", "metadata.labels", { "llmops.io/client": "acme" }),
    "AIA-SEC-05",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a container that may gain privileges",
    set(
      DEPLOYMENT,
      "claims-assistant",
      "spec.template.spec.containers.0.securityContext.allowPrivilegeEscalation",
      true,
    ),
    "AIA-SEC-05",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a pod that may run as root",
    set(SET, "gateway-set", "spec.template.spec.securityContext.runAsNonRoot", false),
    "AIA-SEC-05",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an unknown security context",
    set(DEPLOYMENT, "claims-assistant", "spec.template.spec.containers.0.securityContext", UNKNOWN),
    "AIA-SEC-05",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "containers that nobody knows run first",
    set(DEPLOYMENT, "claims-assistant", "spec.template.spec.initContainers", UNKNOWN),
    "AIA-SEC-03",
    "AIA-SEC-05",
  ),
  fail(
    "aws",
    "acme-with-content",
    "shared files in clear",
    set(FILE_SYSTEM, "", "encrypted", false),
    "AIA-SEC-07",
  ),
  fail(
    "aws",
    "acme-with-content",
    "shared files under the cloud's key",
    edit(FILE_SYSTEM, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, kmsKeyId: "alias/aws/elasticfilesystem" },
      propertyDependencies: { ...propertyDependencies, kmsKeyId: [] },
    })),
    "AIA-SEC-07",
  ),
  fail(
    "aws",
    "acme-with-content",
    "shared files over connections without TLS",
    set(FILE_SYSTEM_POLICY, "", "policy", JSON.stringify({ Statement: [{ Effect: "Allow" }] })),
    "AIA-SEC-07",
  ),
  fail(
    "aws",
    "acme-with-content",
    "shared files without a policy",
    without(FILE_SYSTEM_POLICY),
    "AIA-SEC-07",
  ),
  unknown(
    "aws",
    "acme-with-content",
    "a policy of shared files that nobody knows",
    set(FILE_SYSTEM_POLICY, "", "policy", UNKNOWN),
    "AIA-SEC-07",
  ),
  fail(
    "gcp",
    "globex-with-content",
    "shared files under Google's key",
    edit(STORAGE_CLASS, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, parameters: { tier: "zonal" } },
      propertyDependencies: { ...propertyDependencies, parameters: [] },
    })),
    "AIA-SEC-07",
  ),
  unknown(
    "gcp",
    "globex-with-content",
    "shared files of a class that nobody knows",
    edit(STORAGE_CLASS, "", ({ inputs, propertyDependencies }) => ({
      inputs: { ...inputs, provisioner: UNKNOWN, parameters: { "instance-encryption-kms-key": UNKNOWN } },
      propertyDependencies: { ...propertyDependencies, parameters: [] },
    })),
    "AIA-SEC-07",
  ),
  // Cost
  declared(
    "fail",
    "acme-prod",
    "a rate of last year",
    (config) => ({ ...config, budget: { ...config.budget, usdPerUnit: 1.1, rateAsOf: "2025-11-01" } }),
    "COST-01",
  ),
  {
    ...declared(
      "fail",
      "acme-prod",
      "a budget of 100",
      (config) => ({ ...config, budget: { ...config.budget, monthly: 100 } }),
      "COST-02",
    ),
    platform: "prices",
  },
  unknown(
    "prices",
    "acme-staging",
    "machines nobody can price",
    set(NODE_GROUP, "gpu", "instanceTypes", UNKNOWN),
    "COST-02",
    "COST-05",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a scaler without maximum",
    set(SCALER, "claims-assistant", "spec.maxReplicaCount", null),
    "COST-03",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "a scaler with an unknown maximum",
    set(SCALER, "claims-assistant", "spec.maxReplicaCount", UNKNOWN),
    "COST-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a scaler that asks for a series of each replica",
    set(SCALER, "claims-assistant", "spec.triggers.0.metadata.query", "vllm:num_requests_waiting"),
    "COST-11",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "a scaler whose query nobody knows",
    set(SCALER, "claims-assistant", "spec.triggers.0.metadata.query", UNKNOWN),
    "COST-11",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a pool without limit",
    set(NODE_POOL, "l40s", "spec.limits", {}),
    "COST-03",
    "COST-02",
    "COST-05",
  ),
  fail(
    "aws",
    "acme-staging",
    "a node group without maximum",
    set(NODE_GROUP, "gpu", "scalingConfig.maxSize", null),
    "COST-03",
    "COST-02",
    "COST-05",
  ),
  unknown(
    "aws",
    "acme-staging",
    "a node group with an unknown maximum",
    set(NODE_GROUP, "gpu", "scalingConfig.maxSize", UNKNOWN),
    "COST-03",
    "COST-02",
    "COST-05",
  ),
  fail(
    "gcp",
    "globex-prod",
    "a node pool without maximum",
    set(POOL, "gpu", "autoscaling", {}),
    "COST-03",
    "COST-02",
    "COST-05",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "a node pool with an unknown maximum",
    set(POOL, "gpu", "autoscaling", UNKNOWN),
    "COST-03",
    "COST-02",
    "COST-05",
  ),
  fail("kubernetes", "acme-prod", "no quota", without(QUOTA), "COST-04"),
  fail(
    "kubernetes",
    "acme-prod",
    "a quota for more GPUs",
    set(QUOTA, "", "spec.hard", { "requests.nvidia.com/gpu": "99" }),
    "COST-04",
  ),
  unknown("kubernetes", "acme-prod", "an unknown quota", set(QUOTA, "", "spec.hard", UNKNOWN), "COST-04"),
  {
    ...declared("fail", "dev", "prices of more than a year ago", (config) => config, "COST-05"),
    platform: "prices",
    asOf: "2027-12-24T00:00:00.000Z",
  },
  fail("aws", "acme-prod", "no budget in the cloud", without(AWS_BUDGET), "COST-06"),
  fail("aws", "acme-prod", "a budget that tells nobody", set(AWS_BUDGET, "", "notifications", []), "COST-06"),
  unknown("aws", "acme-prod", "unknown notices", set(AWS_BUDGET, "", "notifications", UNKNOWN), "COST-06"),
  fail(
    "gcp",
    "globex-prod",
    "a budget without forecast",
    set(GOOGLE_BUDGET, "", "thresholdRules", [{ thresholdPercent: 1, spendBasis: "CURRENT_SPEND" }]),
    "COST-06",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "unknown thresholds",
    set(GOOGLE_BUDGET, "", "thresholdRules", UNKNOWN),
    "COST-06",
  ),
  fail("kubernetes", "acme-prod", "nobody who may throttle", configured("- throttle", "- erase"), "COST-07"),
  unknown(
    "kubernetes",
    "globex-prod",
    "unknown routes",
    set(ROUTES, "", "spec.receivers", UNKNOWN),
    "COST-07",
  ),
  fail("aws", "acme-prod", "a cluster without tags", set(EKS, "", "tags", {}), "COST-08"),
  unknown("aws", "acme-prod", "a cluster of unknown tags", set(EKS, "", "tags", UNKNOWN), "COST-08"),
  fail(
    "gcp",
    "globex-prod",
    "a bucket without labels",
    set(GOOGLE_BUCKET, "audit-bucket", "labels", {}),
    "COST-08",
  ),
  unknown(
    "gcp",
    "globex-prod",
    "a bucket of unknown labels",
    set(GOOGLE_BUCKET, "audit-bucket", "labels", UNKNOWN),
    "COST-08",
  ),
  fail(
    "aws",
    "acme-staging",
    "a GPU that idles at night",
    set(NODE_GROUP, "gpu", "scalingConfig.minSize", 1),
    "COST-09",
  ),
  unknown(
    "aws",
    "acme-staging",
    "an unknown floor",
    set(NODE_GROUP, "gpu", "scalingConfig.minSize", UNKNOWN),
    "COST-09",
    "COST-02",
    "COST-05",
  ),
  fail(
    "gcp",
    "dev",
    "a GPU that idles at night",
    set(POOL, "gpu", "autoscaling.totalMinNodeCount", 1),
    "COST-09",
  ),
  unknown(
    "gcp",
    "dev",
    "an unknown floor",
    set(POOL, "gpu", "autoscaling.totalMinNodeCount", UNKNOWN),
    "COST-09",
    "COST-02",
    "COST-05",
  ),
  fail(
    "kubernetes",
    "acme-with-provider",
    "a client without budget",
    configured(/budget:\n {6}currency: USD\n {6}amount: "500.00"\n {6}period: month/, "budget: null"),
    "COST-10",
  ),
  unknown(
    "kubernetes",
    "acme-with-provider",
    "an unreadable configuration",
    set(CONFIG_MAP, "gateway", "data", UNKNOWN),
    ...READS_GATEWAY,
    "COST-10",
  ),
  // Delivery
  ...(
    [
      ["an evaluation of other weights", "model", `gitCommit:${"0".repeat(40)}`],
      ["an evaluation with other prompts", "prompt", `sha256:${"0".repeat(64)}`],
      ["an evaluation with other guardrails", "guardrails", `sha256:${"0".repeat(64)}`],
      ["an evaluation that is too old", "date", "2026-08-25"],
      ["an evaluation of tomorrow", "date", "2026-11-25"],
      ["a day nobody can read", "date", "yesterday"],
      ["a report without digest", "report", "EVAL-7"],
    ] as const
  ).map(([what, key, value]) =>
    fail(
      "kubernetes",
      "acme-prod",
      what,
      annotated("delivery-claims-assistant", `claims-assistant.evaluation.llmops.io/${key}`, value),
      "AIA-TST-03",
    ),
  ),
  fail(
    "kubernetes",
    "globex-prod",
    "a rollout without evaluation",
    set(ROLLOUT, "service-assistant", "metadata.annotations", {}),
    "AIA-TST-03",
  ),
  fail(
    "kubernetes",
    "globex-prod",
    "a switch of colours without the gate",
    set(ROLLOUT, "service-assistant", "spec.strategy.blueGreen.prePromotionAnalysis", {
      templates: [{ templateName: "service-assistant-watch" }],
    }),
    "AIA-TST-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a first share before the gate",
    set(ROLLOUT, "claims-reasoner", "spec.strategy.canary.steps.0.setWeight", 5),
    "AIA-TST-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a gateway that starts without the gate",
    set(SET, "gateway-set", "spec.template.spec.initContainers", []),
    "AIA-TST-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a gateway behind the gate of another report",
    edit(SET, "gateway-set", ({ inputs }) => ({
      inputs: JSON.parse(
        JSON.stringify(inputs).replace(
          `--report=sha256:${"0".repeat(64)}`,
          `--report=sha256:${"1".repeat(64)}`,
        ),
      ) as typeof inputs,
    })),
    "AIA-TST-03",
  ),
  fail(
    "kubernetes",
    "acme-prod",
    "a gate that asks for other weights",
    edit(ANALYSIS_TEMPLATE, "delivery-claims-assistant-gate", ({ inputs }) => ({
      inputs: JSON.parse(
        JSON.stringify(inputs).replace(
          /--model=gitCommit:[0-9a-f]{40}/,
          `--model=gitCommit:${"0".repeat(40)}`,
        ),
      ) as typeof inputs,
    })),
    "AIA-TST-03",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "a gateway whose gate nobody knows yet",
    set(SET, "gateway-set", "spec.template.spec.initContainers", UNKNOWN),
    "AIA-SEC-03",
    "AIA-SEC-05",
    "AIA-TST-03",
  ),
  unknown(
    "kubernetes",
    "acme-prod",
    "an evaluation nobody knows yet",
    annotated("delivery-claims-assistant", "claims-assistant.evaluation.llmops.io/guardrails", UNKNOWN),
    "AIA-TST-03",
  ),
];
