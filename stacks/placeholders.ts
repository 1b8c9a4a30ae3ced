/** SHA-256 of nobody's key; stack files carry it until a real one replaces it. The last digit tells several apart. */
export function placeholderKey(index = 0): string {
  return `${"0".repeat(63)}${(index % 16).toString(16)}`;
}

/** Whether a digest is nobody's. */
export function isPlaceholderKey(digest: string): boolean {
  return /^0{63}[0-9a-f]$/.test(digest);
}

/** Digest of nothing; whoever builds or signs the real thing replaces it. */
export const PLACEHOLDER_DIGEST = `sha256:${"0".repeat(64)}`;

/** Public key whose private half was thrown away; the shipped stack files carry it. */
export const PLACEHOLDER_SIGNER = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAxU87BjBAbgmgVjFwMvsXWXVwuyp3sxZyCqYBqwaDInQ=
-----END PUBLIC KEY-----
`;
