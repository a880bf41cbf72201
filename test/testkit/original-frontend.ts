/**
 * The original system's web page as far as it talks to the server: axios, its paths and parameters, and how it reads answers.
 * Written from its contract (docs: REST) and knowing nothing of this program.
 */
import axios, { type AxiosInstance, isAxiosError } from "axios";

export interface ApiResponse<T> {
	readonly success: boolean;
	readonly data: T;
	readonly message: string;
}

export interface FrontendStats {
	readonly totalFiles: number;
	readonly totalSize: number;
	readonly maxSize: number;
	readonly stockDataCount: number;
	readonly newsDataCount: number;
	readonly analysisDataCount: number;
}

export interface FrontendDetails {
	readonly items: readonly {
		readonly type: string;
		readonly symbol: string;
		readonly size: number;
		readonly created_at: string;
		readonly last_accessed: string;
		readonly hit_count: number;
		readonly key: string;
	}[];
	readonly total: number;
	readonly page: number;
	readonly page_size: number;
}

export interface FrontendBackendInfo {
	readonly system: string;
	readonly primary_backend: string;
	readonly fallback_enabled: boolean;
	readonly mongodb_available: boolean;
	readonly redis_available: boolean;
}

/** What the page shows in a toast when something went wrong. */
export class Toast extends Error {
	constructor(
		message: string,
		readonly status: number | undefined,
	) {
		super(message);
	}
}

export class OriginalFrontend {
	readonly #http: AxiosInstance;

	constructor(baseURL: string, token: string) {
		this.#http = axios.create({ baseURL, timeout: 60_000, headers: { "Content-Type": "application/json" } });
		this.#http.interceptors.request.use((config) => {
			config.headers.Authorization = `Bearer ${token}`;
			config.headers["X-Request-ID"] = `${Date.now()}-${Math.random().toString(36).slice(2, 11)}`;
			return config;
		});
		this.#http.interceptors.response.use(
			(response) => {
				const data = response.data as ApiResponse<unknown>;
				if (!data.success) throw new Toast(data.message || "请求失败", response.status);
				return response;
			},
			(error: unknown) => {
				if (!isAxiosError<{ detail?: string; message?: string }>(error)) throw error;
				const { response } = error;
				throw new Toast(response?.data.detail ?? response?.data.message ?? "网络错误", response?.status);
			},
		);
	}

	getCacheStats = (): Promise<ApiResponse<FrontendStats>> => this.#get("/api/cache/stats");

	cleanupOldCache = (days: unknown): Promise<ApiResponse<{ days: number; deleted: number }>> =>
		this.#delete("/api/cache/cleanup", { days });

	clearAllCache = (): Promise<ApiResponse<{ deleted: number }>> => this.#delete("/api/cache/clear");

	getCacheDetails = (page: unknown = 1, pageSize: unknown = 20): Promise<ApiResponse<FrontendDetails>> =>
		this.#get("/api/cache/details", { page, page_size: pageSize });

	getCacheBackendInfo = (): Promise<ApiResponse<FrontendBackendInfo>> => this.#get("/api/cache/backend-info");

	async #get<T>(path: string, params?: object): Promise<ApiResponse<T>> {
		return (await this.#http.get<ApiResponse<T>>(path, { params })).data;
	}

	async #delete<T>(path: string, params?: object): Promise<ApiResponse<T>> {
		return (await this.#http.delete<ApiResponse<T>>(path, { params })).data;
	}
}
