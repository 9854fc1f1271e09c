#include "status/suspects.h"

#include <algorithm>

namespace kgw::status {

void Suspects::withdrawn(const std::vector<Name>& removed) {
  for (const Name& key : removed) {
    fresh_.erase(key);
    testing_.erase(key);
    held_.erase(key);
    for (Group& group : waiting_) std::erase(group, key);
  }
  std::erase_if(waiting_, [](const Group& group) { return group.empty(); });
}

void Suspects::accepted() {
  fresh_.clear();
  testing_.clear();
  release_next();
}

bool Suspects::rejected(const std::string& message) {
  fresh_.insert(testing_.begin(), testing_.end());
  if (fresh_.empty()) return false;
  const Group suspects(fresh_.begin(), fresh_.end());
  fresh_.clear();
  testing_.clear();
  hold(suspects, message);
  if (suspects.size() > 1) {
    const auto middle = suspects.begin() + static_cast<std::ptrdiff_t>(suspects.size() / 2);
    waiting_.push_front(Group(middle, suspects.end()));
    waiting_.push_front(Group(suspects.begin(), middle));
  }
  return true;
}

void Suspects::give_up() {
  for (const Group& group : waiting_) {
    for (const Name& key : group) held_.erase(key);
    fresh_.insert(group.begin(), group.end());
  }
  waiting_.clear();
  fresh_.merge(testing_);
  testing_.clear();
}

void Suspects::hold(const Group& group, const std::string& message) {
  for (const Name& key : group) held_.insert_or_assign(key, message);
}

void Suspects::release_next() {
  if (waiting_.empty()) return;
  for (const Name& key : waiting_.front()) {
    held_.erase(key);
    testing_.insert(key);
  }
  waiting_.pop_front();
}

}  // namespace kgw::status
