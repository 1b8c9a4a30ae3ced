/** How a resource type costs money; `unknown` fails closed. */
export type CostClass = "hourly" | "by-use" | "free" | "unknown";

const HOURLY = [
  "aws:ec2/eip:Eip",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:eks/cluster:Cluster",
  "aws:eks/nodeGroup:NodeGroup",
  "aws:kms/key:Key",
  "aws:lb/loadBalancer:LoadBalancer",
  "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy",
  "gcp:compute/routerNat:RouterNat",
  "gcp:container/cluster:Cluster",
  "gcp:container/nodePool:NodePool",
  "gcp:kms/cryptoKey:CryptoKey",
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:core/v1:PersistentVolumeClaim",
  "kubernetes:gateway.networking.k8s.io/v1:Gateway",
  "kubernetes:helm.sh/v3:Release",
  "kubernetes:karpenter.sh/v1:NodePool",
] as const;

/** Requests, traffic and log volume: known only from use. */
const BY_USE = [
  "aws:amp/workspace:Workspace",
  "aws:budgets/budget:Budget",
  "aws:cloudtrail/trail:Trail",
  "aws:cloudwatch/eventRule:EventRule",
  "aws:cloudwatch/logGroup:LogGroup",
  "aws:ec2/flowLog:FlowLog",
  "aws:route53/record:Record",
  "aws:efs/fileSystem:FileSystem",
  "aws:s3/bucket:Bucket",
  "aws:sns/topic:Topic",
  "aws:sqs/queue:Queue",
  "gcp:compute/healthCheck:HealthCheck",
  "gcp:compute/subnetwork:Subnetwork",
  "gcp:dns/recordSet:RecordSet",
  "gcp:pubsub/topic:Topic",
  "gcp:storage/bucket:Bucket",
] as const;

const FREE = [
  "aws:acm/certificate:Certificate",
  "aws:acm/certificateValidation:CertificateValidation",
  "aws:cloudwatch/eventTarget:EventTarget",
  "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
  "aws:costexplorer/anomalySubscription:AnomalySubscription",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/launchTemplate:LaunchTemplate",
  "aws:ec2/route:Route",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:efs/fileSystemPolicy:FileSystemPolicy",
  "aws:efs/mountTarget:MountTarget",
  "aws:eks/accessEntry:AccessEntry",
  "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
  "aws:eks/addon:Addon",
  "aws:eks/podIdentityAssociation:PodIdentityAssociation",
  "aws:iam/role:Role",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:kms/alias:Alias",
  "aws:lb/listener:Listener",
  "aws:lb/listenerCertificate:ListenerCertificate",
  "aws:lb/listenerRule:ListenerRule",
  "aws:lb/targetGroup:TargetGroup",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sqs/queuePolicy:QueuePolicy",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  "gcp:billing/budget:Budget",
  "gcp:certificatemanager/certificate:Certificate",
  "gcp:certificatemanager/dnsAuthorization:DnsAuthorization",
  // Of a forwarding rule: https://cloud.google.com/vpc/network-pricing
  "gcp:compute/address:Address",
  "gcp:compute/firewall:Firewall",
  "gcp:monitoring/notificationChannel:NotificationChannel",
  "gcp:serviceaccount/iAMMember:IAMMember",
  "gcp:compute/network:Network",
  "gcp:compute/regionSslPolicy:RegionSslPolicy",
  "gcp:compute/router:Router",
  "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
  "gcp:kms/keyRing:KeyRing",
  "gcp:projects/iAMAuditConfig:IAMAuditConfig",
  "gcp:projects/iAMMember:IAMMember",
  "gcp:serviceaccount/account:Account",
  "gcp:storage/bucketIAMMember:BucketIAMMember",
] as const;

const CLASSES: ReadonlyMap<string, CostClass> = new Map<string, CostClass>([
  ...HOURLY.map((type) => [type, "hourly"] as const),
  ...BY_USE.map((type) => [type, "by-use"] as const),
  ...FREE.map((type) => [type, "free"] as const),
]);

/** Cost class of a resource type; objects inside a cluster and generated secrets cost nothing. */
export function costClassOf(type: string): CostClass {
  const known = CLASSES.get(type);
  if (known !== undefined) return known;
  return /^(kubernetes|pulumi|random|tls):/.test(type) ? "free" : "unknown";
}
