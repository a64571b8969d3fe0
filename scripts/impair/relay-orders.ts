//! What the relay between the nodes is told, and what it answers.
import type { Impairment } from './impairment.ts'

export type Direction = 'a-b' | 'b-a'

export interface RelayOptions {
  readonly seed: number
  readonly namespaces: { readonly a: string; readonly b: string }
  /** Name and the addresses of both nodes. */
  readonly links: readonly { readonly name: string; readonly a: string; readonly b: string }[]
  readonly ports: readonly number[]
}

interface RelayChange {
  readonly link: string
  readonly direction: Direction
  readonly impairment: Impairment
}

export interface RelayOrder {
  readonly ref: number
  readonly changes: readonly RelayChange[]
}

export interface RelayCounters {
  /** Copies that were sent on. */
  carried: number
  lost: number
  duplicated: number
  corrupted: number
}

export interface RelayAnswer {
  readonly ref: number
  /** By `link direction`. */
  readonly counters: Readonly<Record<string, RelayCounters>>
}
