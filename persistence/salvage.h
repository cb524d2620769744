/*
 * salvage.h - a manifest made anew from the files it should have been about.
 *
 * The headers of segments and snapshots name the directory; the blocks tell where each epoch
 * begins. What only the manifest knew is lost: which snapshot was the current one, and epochs that
 * hold no record any more. So only a repair goes on with it, in an epoch of its own, and a
 * verification looks at the rest with it.
 */
#ifndef HF_PERSISTENCE_SALVAGE_H
#define HF_PERSISTENCE_SALVAGE_H

#include "persistence/manifest.h"

/*
 * `directory` need not know its id. HF_OK; HF_CORRUPT: no file says what this directory is, or they
 * say different things; HF_NO_MEMORY.
 */
enum hf_err hf_manifest_salvage(struct hf_manifest *manifest, const struct hf_directory *directory,
                                const struct hf_listing *listing);
/* True when a manifest that could not be loaded with this sentence may be made anew: not when a
 * newer version wrote it. */
bool hf_manifest_is_salvageable(const char *error);

#endif
