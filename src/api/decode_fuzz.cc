// Any manifest: decoding must end, and a valid object must survive being written (as JSON and as
// YAML) and read again. Corpus: tests/fuzz/decode_fuzz.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/registry.h"
#include "api/yaml_writer.h"

namespace {

void check_again(const kgw::Object& object, const std::string& text) {
  const auto again = kgw::decode_text(text, "again", kgw::DecodeMode::kStrict);
  const bool same = again.size() == 1 && again[0].object != nullptr &&
                    kgw::equal_objects(object, *again[0].object) &&
                    kgw::hash_object(object) == kgw::hash_object(*again[0].object);
  if (!same) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto mode : {kgw::DecodeMode::kStrict, kgw::DecodeMode::kLenient}) {
    for (const kgw::Decoded& decoded : kgw::decode_text(text, "input", mode)) {
      if (decoded.object == nullptr) continue;
      const nlohmann::json json = kgw::encode_object(*decoded.object);
      check_again(*decoded.object, json.dump());
      check_again(*decoded.object, kgw::to_yaml(json));
    }
  }
  return 0;
}
