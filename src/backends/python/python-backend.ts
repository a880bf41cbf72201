import { type DiskBackend, type DiskBackendOptions, openDiskBackend } from "../disk/disk-backend.js";
import { BYTE_CODE_FOLDER } from "../layouts/python-layout.js";

/** Python's byte code under the project roots. A `__pycache__` folder that has become empty is removed too. */
export function openPythonBackend(options: DiskBackendOptions): DiskBackend {
	return openDiskBackend("PYTHON", options, BYTE_CODE_FOLDER);
}
