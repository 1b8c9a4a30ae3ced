/**
 * Annotations of an object that `pulumi up` creates without waiting until it is ready.
 * @see https://github.com/pulumi/pulumi-kubernetes/pull/417
 */
export const UNAWAITED = { "pulumi.com/skipAwait": "true" } as const;
