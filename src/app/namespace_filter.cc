#include "app/namespace_filter.h"

#include <algorithm>
#include <utility>

namespace kgw::app {

NamespaceFilter::NamespaceFilter(std::vector<LabelSelector> selectors)
    : selectors_(std::move(selectors)) {}

NamespaceFilter::Events NamespaceFilter::amend(Events events) {
  if (selectors_.empty()) return events;
  Events out;
  for (source::ObjectEvent& event : events) {
    if (event.ref.kind == Kind::kNamespace) on_namespace(event, out);
    if (event.ref.ns().empty()) {
      out.push_back(std::move(event));
    } else {
      on_object(event, out);
    }
  }
  return out;
}

void NamespaceFilter::on_namespace(const source::ObjectEvent& event, Events& out) {
  Content& content = namespaces_[event.ref.name()];
  const bool selected = event.object != nullptr &&
                        std::ranges::any_of(selectors_, [&](const LabelSelector& selector) {
                          return selector.matches(event.object->metadata.labels);
                        });
  content.was_selected |= selected;
  if (selected == std::exchange(content.selected, selected)) return;
  for (const auto& [ref, object] : content.objects) {
    out.push_back({ref, selected ? object : nullptr, source::Absence::kUnselected});
  }
}

void NamespaceFilter::on_object(const source::ObjectEvent& event, Events& out) {
  Content& content = namespaces_[event.ref.ns()];
  if (event.object == nullptr) {
    content.objects.erase(event.ref);
  } else {
    content.objects[event.ref] = event.object;
  }
  const bool known = content.was_selected && event.object == nullptr;
  if (content.selected || known) out.push_back(event);
}

}  // namespace kgw::app
