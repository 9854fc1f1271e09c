// Whatever an API server sends: lists, watches, statuses and discovery must be read to an end, and
// a mirror fed with it must stay usable. Corpus: tests/fuzz/stream.
#include <cstdlib>

#include "source/kube/discovery.h"
#include "source/kube/mirror.h"
#include "source/kube/stream.h"

namespace {

using kgw::Kind;
using kgw::kube::Mirror;

std::string feed(Mirror& mirror, std::string_view text, std::size_t piece) {
  std::string items;
  kgw::kube::ListReader list([&](std::string_view json) {
    items.append(json).append("\n");
    mirror.put_json(json);
  });
  kgw::kube::LineReader lines([&](std::string_view line) {
    const auto event = kgw::kube::decode_watch_event(line);
    if (event.type == kgw::kube::WatchEvent::Type::kPut) mirror.put(*event.object);
    if (event.type == kgw::kube::WatchEvent::Type::kDeleted) mirror.remove(*event.object);
    return true;
  });
  mirror.begin_list();
  for (std::size_t at = 0; at < text.size(); at += piece) {
    list.feed(text.substr(at, piece));
    lines.feed(text.substr(at, piece));
  }
  if (list.finish()) mirror.end_list();
  return items;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)kgw::kube::decode_error(500, text);
  (void)kgw::kube::decode_resource_list(text);
  for (const auto& [kind, version] :
       {std::pair(Kind::kHttpRoute, "gateway.networking.k8s.io/v1"), {Kind::kSecret, "v1"}}) {
    Mirror mirror(kind, version);
    // How the bytes are cut makes no difference.
    if (feed(mirror, text, size + 1) != feed(mirror, text, 3)) std::abort();
    mirror.withdraw();
    mirror.begin_list();
    mirror.end_list();
    if (mirror.size() != 0) std::abort();
  }
  return 0;
}
