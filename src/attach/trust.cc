#include "attach/trust.h"

namespace kgw::attach {
namespace {

Trust& installation() {
  static Trust trust;
  return trust;
}

}  // namespace

const Trust& trust() { return installation(); }
void set_trust(const Trust& trust) { installation() = trust; }

}  // namespace kgw::attach
