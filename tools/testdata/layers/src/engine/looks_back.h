#pragma once
// Input of the layer check: this is fine.
#include "api/ref.h"
