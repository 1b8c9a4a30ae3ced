/** Address of the section of a runbook page about one alert: headings are the alerts' names. */
export function runbookUrl(base: string, page: string, alert: string): string {
  return `${base.replace(/\/$/, "")}/${page}.md#${alert.toLowerCase()}`;
}
