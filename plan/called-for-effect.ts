/** Provider functions that the program calls for what they do in the cloud: it reads nothing of their answer. */
export const CALLED_FOR_EFFECT: ReadonlySet<string> = new Set([
  // Makes the service agent of Cloud Storage.
  "gcp:storage/getProjectServiceAccount:getProjectServiceAccount",
]);
