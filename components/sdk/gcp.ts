/** The services of Google Cloud this blueprint uses, and not the whole package, for the reason given in `aws.ts`. */
export * as billing from "@pulumi/gcp/billing/index.js";
export * as certificatemanager from "@pulumi/gcp/certificatemanager/index.js";
export * as compute from "@pulumi/gcp/compute/index.js";
export * as container from "@pulumi/gcp/container/index.js";
export * as dns from "@pulumi/gcp/dns/index.js";
export * as kms from "@pulumi/gcp/kms/index.js";
export * as monitoring from "@pulumi/gcp/monitoring/index.js";
export * as projects from "@pulumi/gcp/projects/index.js";
export { Provider } from "@pulumi/gcp/provider.js";
export * as pubsub from "@pulumi/gcp/pubsub/index.js";
export * as serviceaccount from "@pulumi/gcp/serviceaccount/index.js";
export * as storage from "@pulumi/gcp/storage/index.js";
export type * as types from "@pulumi/gcp/types/index.js";
