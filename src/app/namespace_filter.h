// NamespaceFilter: only objects of namespaces that some selector selects reach the tables
// (KGW_DISCOVERY_NAMESPACE_SELECTORS). Labels of a namespace may change while we run: what lies in
// it then comes, or goes (Absence::kUnselected), and its deletion passes still. Objects without a
// namespace always pass.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "api/meta.h"
#include "source/source.h"

namespace kgw::app {

// Thread: one.
class NamespaceFilter {
 public:
  // Without selectors everything passes, and nothing is kept.
  explicit NamespaceFilter(std::vector<LabelSelector> selectors);

  // What the tables get in place of a source's events.
  std::vector<source::ObjectEvent> amend(std::vector<source::ObjectEvent> events);

 private:
  struct Content {
    bool selected = false;
    bool was_selected = false;  // now or before
    std::map<ObjectRef, std::shared_ptr<const Object>> objects;
  };
  using Events = std::vector<source::ObjectEvent>;

  void on_namespace(const source::ObjectEvent& event, Events& out);
  void on_object(const source::ObjectEvent& event, Events& out);

  std::vector<LabelSelector> selectors_;
  std::map<Name, Content> namespaces_;
};

}  // namespace kgw::app
