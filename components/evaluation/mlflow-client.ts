import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { tcp } from "../network-policy.ts";

/** An account of MLflow's basic-auth app. */
export interface MlflowAccount {
  readonly user: string;
  readonly password: pulumi.Input<string>;
}

/** MLflow as pods of the cluster call it. */
export interface MlflowClient {
  /** A Service of the cluster, for example `http://mlflow.mlflow.svc:5000`, or an https address outside of it. */
  readonly url: string;
  /** Absent where it has no login. */
  readonly account?: MlflowAccount;
}

/** Name of the Secret with the account, in each namespace whose pods log in. */
export const MLFLOW_ACCOUNT_SECRET = "mlflow-account";

/**
 * The account as the variables that MLflow's own client logs in with.
 * @see https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/
 */
export function accountVariables({ user, password }: MlflowAccount): Record<string, pulumi.Input<string>> {
  return { MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password };
}

/** Variables of a container that logs in; none where MLflow has no login. */
export function accountEnvironment({ account }: MlflowClient): {
  envFrom?: { secretRef: { name: string } }[];
} {
  return account === undefined ? {} : { envFrom: [{ secretRef: { name: MLFLOW_ACCOUNT_SECRET } }] };
}

/** Namespace and port of an address that is a Service of the cluster; undefined for any other. */
export function mlflowService(
  url: string,
): { readonly namespace: string; readonly port: number } | undefined {
  const { hostname, port, protocol } = new URL(url);
  const [, namespace, kind] = hostname.split(".");
  if (namespace === undefined || kind !== "svc") return undefined;
  return { namespace, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
}

/** Way of pods to an MLflow of the cluster. */
export function toMlflow({
  namespace,
  port,
}: NonNullable<ReturnType<typeof mlflowService>>): k8s.types.input.networking.v1.NetworkPolicyEgressRule {
  return {
    to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } }],
    ports: [tcp(port)],
  };
}
