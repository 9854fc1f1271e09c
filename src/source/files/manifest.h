// read_manifest(): one file's text into definitions: the bridge from documents to the catalog.
//
// A document may be an object or a Kubernetes List (of objects). A document that is not even
// syntactically right, or does not say what it is, is `unidentified`; an object that cannot be
// decoded becomes a definition without object. What the decoder has no use for (a kind of others)
// is only reported.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/files/catalog.h"
#include "source/files/files_source.h"

namespace kgw::source {

// `previous`, may be null: what the file held before; objects whose text is unchanged are reused.
Manifest read_manifest(const std::string& path, std::string_view text, const FilesOptions& options,
                       const std::vector<Definition>* previous);

}  // namespace kgw::source
