/** Command that prints a short-lived token. */
export interface TokenCommand {
  readonly command: string;
  readonly args?: readonly string[];
  /** Whether the command is told the cluster's address. */
  readonly provideClusterInfo?: true;
}

/**
 * Kubeconfig as JSON (a subset of YAML) with one cluster and a command instead of a credential.
 * @param server address of the API with its scheme
 * @param certificateAuthority base64 of the PEM
 */
export function tokenKubeconfig(
  clusterName: string,
  server: string,
  certificateAuthority: string,
  token: TokenCommand,
): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: clusterName, cluster: { server, "certificate-authority-data": certificateAuthority } },
    ],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user: clusterName } }],
    "current-context": clusterName,
    users: [
      {
        name: clusterName,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            interactiveMode: "Never",
            ...token,
          },
        },
      },
    ],
  });
}
