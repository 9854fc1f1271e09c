// Any text: parsing must end, and what it gives must read back as the same tree from JSON.
// Corpus: tests/fuzz/document_fuzz.
#include <cstdlib>

#include "api/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kgw::doc;
  if (size == 0) return 0;
  const auto format = static_cast<Format>(data[0] % 3);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const Parsed parsed = parse(text, format);
  for (const Node& document : parsed.documents) {
    if (!document.is_mapping() && !document.is_sequence()) continue;
    const std::string json = to_json(document);
    const Parsed again = parse(json, Format::kJson);
    if (again.documents.size() != 1 || !equal(document, again.documents[0])) std::abort();
    // JSON is YAML as well, up to characters that YAML does not allow and very long keys.
    const Parsed as_yaml = parse(json, Format::kYaml);
    if (as_yaml.documents.size() == 1 && !equal(document, as_yaml.documents[0])) std::abort();
  }
  return 0;
}
