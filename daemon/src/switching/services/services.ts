//! All services, in the order in which they are asked.
import { forwarding } from './forward.ts'
import type { Service } from './service.ts'
import { setByDialling } from './set-by-dialling.ts'

export const services: readonly Service[] = [setByDialling, forwarding]
