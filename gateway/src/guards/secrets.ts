import type { Detector, Match } from "./finding.ts";

// Published token forms: AWS IAM unique ids, GitHub token prefixes, Slack token types, Google API keys, OpenAI and
// Anthropic key prefixes, RFC 7468 private-key labels, RFC 7519 compact JWT; checked 2026-11.
const FORMS: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  { kind: "aws-access-key", pattern: /(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])/g },
  { kind: "github-token", pattern: /gh[pousr]_[A-Za-z0-9]{36,255}/g },
  { kind: "github-token", pattern: /github_pat_[A-Za-z0-9_]{40,255}/g },
  { kind: "slack-token", pattern: /xox[abeprs]-[A-Za-z0-9-]{10,250}/g },
  { kind: "google-api-key", pattern: /AIza[A-Za-z0-9_-]{35}/g },
  { kind: "model-api-key", pattern: /(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,250}/g },
  { kind: "private-key", pattern: /-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----/g },
  { kind: "jwt", pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,200}\.eyJ[A-Za-z0-9_-]{5,100}/g },
];

/** Credentials with a published form. */
export const secretsDetector: Detector = {
  kinds: [...new Set(FORMS.map(({ kind }) => kind))],
  name: "secrets",
  version: "1",
  maxLength: 320,
  sign: /AKIA|ASIA|gh[pousr]_|github_pat_|xox|AIza|sk-|-----BEGIN|eyJ/,
  find: (text) =>
    FORMS.flatMap(({ kind, pattern }) =>
      [...text.matchAll(pattern)].map((match): Match => ({
        kind,
        start: match.index,
        end: match.index + match[0].length,
      })),
    ),
};
