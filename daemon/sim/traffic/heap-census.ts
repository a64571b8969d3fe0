//! What lies on the heap, by who put it there: the program (objects, arrays, strings, functions, numbers, buffers)
//! or the engine. V8 keeps books there that grow for as long as it goes on compiling what is used
//! seldom: which code depends on which shape of an object, where a function was called with what, and bytecode.
import { getHeapSnapshot } from 'node:v8'

interface ClassCount {
  count: number
  bytes: number
}

export interface HeapCensus {
  /** Of the program, buffers included. */
  readonly programBytes: number
  readonly engineBytes: number
  /** What the program has, by kind, and objects by their class. */
  readonly classes: ReadonlyMap<string, Readonly<ClassCount>>
}

/** Kinds of `HeapGraphNode::Type`, `v8-profiler.h`. All others are the engine's. */
const programKinds: ReadonlySet<string> = new Set([
  'array',
  'string',
  'object',
  'closure',
  'regexp',
  'number',
  'native',
  'concatenated string',
  'sliced string',
  'symbol',
  'bigint',
])

/** The parts that are read of what `v8.getHeapSnapshot` writes. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[]
      readonly node_types: readonly [readonly string[], ...unknown[]]
    }
  }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

/** Garbage is collected first. Takes a second or two, in which nothing else goes on. */
export async function heapCensus(): Promise<HeapCensus> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk))
  return counted(JSON.parse(Buffer.concat(chunks).toString('utf8')))
}

function counted({ snapshot, nodes, strings }: Snapshot): HeapCensus {
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [typeAt, nameAt, sizeAt] = ['type', 'name', 'self_size'].map((name) => fields.indexOf(name))
  const classes = new Map<string, ClassCount>()
  let [programBytes, engineBytes] = [0, 0]
  for (let at = 0; at < nodes.length; at += fields.length) {
    const value = (field = 0) => nodes[at + field] ?? 0
    const kind = types[0][value(typeAt)] ?? ''
    const bytes = value(sizeAt)
    if (!programKinds.has(kind)) {
      engineBytes += bytes
      continue
    }
    programBytes += bytes
    // Those of other kinds are many, and this would be what grows.
    const name = kind === 'object' ? `object ${strings[value(nameAt)] ?? ''}` : kind
    const known = classes.get(name) ?? { count: 0, bytes: 0 }
    classes.set(name, { count: known.count + 1, bytes: known.bytes + bytes })
  }
  return { programBytes, engineBytes, classes }
}

/** The classes that grew most, as text. */
export function grownClasses(before: HeapCensus, after: HeapCensus, most = 6): string[] {
  return [...after.classes]
    .map(([name, { count, bytes }]) => {
      const was = before.classes.get(name) ?? { count: 0, bytes: 0 }
      return { name, count: count - was.count, bytes: bytes - was.bytes }
    })
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, most)
    .map(({ name, count, bytes }) => `${name}: ${bytes} bytes, ${count} more`)
}
