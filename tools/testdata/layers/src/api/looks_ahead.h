#pragma once
// Input of the layer check: this must be reported.
#include "engine/table.h"
