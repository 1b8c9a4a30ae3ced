import { MLFLOW_ADMIN, MLFLOW_NAMESPACE } from "../components/evaluation/address.ts";
import { mlflowService, type MlflowClient } from "../components/evaluation/mlflow-client.ts";
import type { TrackingServer } from "../components/evaluation/tracking-server.ts";

/**
 * An MLflow as the stack's pods call it: with the administrator's account where it is the stack's own, whatever form its address is written in.
 * @param tracking MLflow of the stack; undefined where it has none
 */
export function mlflowClient(url: string, tracking: TrackingServer | undefined): MlflowClient {
  return tracking === undefined || mlflowService(url)?.namespace !== MLFLOW_NAMESPACE
    ? { url }
    : { url, account: { user: MLFLOW_ADMIN, password: tracking.adminPassword } };
}
