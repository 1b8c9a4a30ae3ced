import { piiDetector } from "../gateway/src/guards/pii.ts";
import { secretsDetector } from "../gateway/src/guards/secrets.ts";

/** Text without what the gateway's detectors know as personal data or credentials, and no longer than it may be. */
export function minimised(text: string, maxCharacters: number): string {
  const found = [piiDetector, secretsDetector]
    .flatMap((detector) => detector.find(text))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  let clean = "";
  let at = 0;
  for (const { kind, start, end } of found) {
    if (end <= at) continue;
    if (start >= at) clean += `${text.slice(at, start)}[${kind}]`;
    at = end;
  }
  return (clean + text.slice(at)).slice(0, maxCharacters);
}
