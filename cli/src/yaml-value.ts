//! Reads one value of `config set`. A file of its own, loaded late: only a static import of the YAML
//! package has its names in the bundle, too.
import { parse } from 'yaml'
import type { ConfigChange } from '../../daemon/src/control/api.ts'

type Json = ConfigChange['after']

/** Undefined: the text is not YAML. */
export function parseYamlValue(text: string): Json | undefined {
  try {
    return parse(text) as Json
  } catch {
    return undefined
  }
}
