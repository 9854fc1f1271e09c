#include "envoy/quarantine.h"

namespace kgw::envoy {

Name replace_key(Version content) { return to_string(content); }
Name drop_key(Version content) { return to_string(content) + "/drop"; }

std::uint32_t quarantine_bucket(const Name& key) {
  std::uint32_t bucket = 0;
  for (char c : key.view().substr(0, 3)) bucket = bucket * 64 + (static_cast<std::uint8_t>(c) & 63);
  return bucket;
}

QuarantineVerdict quarantine_of(engine::Read& read, const QuarantineIndex& index, Version content) {
  QuarantineVerdict verdict;
  const std::string text = to_string(content);
  read.each(index, quarantine_bucket(text), [&](const Name& key, const QuarantineEntry& entry) {
    if (!key.view().starts_with(text)) return;
    if (entry.suspected) {
      verdict.suspected = true;
      return;
    }
    const Quarantine state =
        key.str().size() == text.size() ? Quarantine::kReplaced : Quarantine::kDropped;
    if (state > verdict.state) verdict = {state, entry.envoy_message};
  });
  return verdict;
}

}  // namespace kgw::envoy
