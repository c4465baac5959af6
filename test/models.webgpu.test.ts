/**
 * Every golden model on the WebGPU engine, which tests run on a software adapter. That is slow, so without passes only
 * two models that between them use most ops; as are the kernels of GPUs.
 */
import { describeParity, describeRings } from "./support/parity.ts";

describeParity("webgpu", "fused");
describeParity("webgpu", "unfused", ["llama", "gemma2"]);
describeRings("webgpu");
describeParity("webgpu by workgroups", "fused", ["gemma2"]);
