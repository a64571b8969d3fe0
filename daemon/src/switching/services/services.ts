//! All services, in the order in which they are asked.
import type { Service } from './service.ts'

export const services: readonly Service[] = []
