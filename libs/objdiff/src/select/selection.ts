/** What of one patched object goes into the module. Opaque outside this library. */
export interface Selection {
  readonly objectFile: string;
  readonly owner: string;
}
